using QbSync.Testing.Machine;
using QbSync.Testing.Waiting;

namespace QbSync.ProcessTests;

/// <summary>The destination's ext4 loses its power at random moments of one sync.</summary>
[Category("Mounts")]
public sealed class PowerCutTests
{
    private const double SecondsPerCut = 4;
    private const long LeastRate = 65_536; // of what a source accepts

    [Test]
    public async Task PowerCuts_AtRandomMomentsOfOneSync_EverythingArrives()
    {
        var random = Settings.NewRandom();
        using var mount = LoopMount.Create(64);
        await using var nodes = new TwoProcesses(Path.Combine(mount.Path, "data"), mount.Path);

        // The folders that a person made are there; a machine that is slow cuts the first time before the destination has done anything durable.
        mount.Flush();
        var torrents = TwoProcesses.MakeTorrents(random.Next());
        nodes.Add(torrents[0]);
        nodes.Add(torrents[1]);
        nodes.Add(torrents[2], unwanted: [0, 3, 7]);
        var bytes = torrents.Sum(static torrent => torrent.Files.Sum(static file => file.Length));
        nodes.StartSource(Math.Max(LeastRate, (long)(bytes / (Settings.Cuts * SecondsPerCut))));
        var cutInSync = 0;
        for (var cut = 0; cut < Settings.Cuts; cut++)
        {
            nodes.StartDestination();
            var moment = TimeSpan.FromSeconds(0.5 + (random.NextDouble() * 7));
            var started = TimeProvider.System.GetTimestamp();
            await Eventually.BecomesTrueAsync(() => TimeProvider.System.GetElapsedTime(started) >= moment);
            cutInSync += nodes.AreAllSynced() ? 0 : 1;
            mount.CutPower();
            await nodes.KillDestinationAsync();
            mount.Unmount();
            mount.Mount();
        }

        await nodes.StopSourceAsync();
        nodes.StartDestination();
        nodes.StartSource();
        await nodes.WaitUntilAllAreSyncedAsync();
        nodes.AssertAllIsEqual();
        await nodes.KillDestinationAsync();
        TestContext.Out.WriteLine($"{Settings.Cuts} power cuts, {cutInSync} of them before everything was synced; all files are equal, nothing is left over.");
    }
}
