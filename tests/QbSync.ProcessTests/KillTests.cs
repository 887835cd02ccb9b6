using QbSync.Testing.Machine;
using QbSync.Testing.Waiting;

namespace QbSync.ProcessTests;

/// <summary>The destination dies at random moments of one sync, and is started again.</summary>
public sealed class KillTests
{
    private const double SecondsPerKill = 1.6;
    private const int KillsPerSet = 80; // so that the rate stays above what a source accepts

    [Test]
    public async Task Destination_KilledAtRandomMomentsOfOneSync_EverythingArrivesAndNothingIsLeftOver()
    {
        var random = Settings.NewRandom();
        using var folder = new TempDirectory();
        await using var nodes = new TwoProcesses(folder["data"], folder["own"]);
        var bytes = 0L;
        for (var set = 0; set <= Settings.Kills / KillsPerSet; set++)
        {
            var torrents = TwoProcesses.MakeTorrents(random.Next(), set);
            nodes.Add(torrents[0]);
            nodes.Add(torrents[1]);
            nodes.Add(torrents[2], unwanted: [1, 4, 5, 11]);
            bytes += torrents.Sum(static torrent => torrent.Files.Sum(static file => file.Length));
        }

        nodes.StartSource((long)(bytes / (Settings.Kills * SecondsPerKill)));
        var killedInSync = 0;
        for (var kill = 0; kill < Settings.Kills; kill++)
        {
            nodes.StartDestination();
            var moment = TimeSpan.FromSeconds(random.NextDouble() * (random.Next(4) == 0 ? 6 : 2.5));
            var started = TimeProvider.System.GetTimestamp();
            await Eventually.BecomesTrueAsync(() => TimeProvider.System.GetElapsedTime(started) >= moment);
            killedInSync += nodes.AreAllSynced() ? 0 : 1;
            Assert.That(nodes.Destination!.HasExited, Is.False, nodes.Destination.Output);
            await nodes.KillDestinationAsync();
        }

        await nodes.StopSourceAsync();
        nodes.StartDestination();
        nodes.StartSource();
        await nodes.WaitUntilAllAreSyncedAsync();
        nodes.AssertAllIsEqual();
        await nodes.KillDestinationAsync();
        Assert.That(nodes.Errors, Is.Empty);
        TestContext.Out.WriteLine($"{Settings.Kills} kills, {killedInSync} of them before everything was synced; all files are equal, nothing is left over, no line says error.");
    }
}
