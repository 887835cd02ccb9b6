using System.Text.Json;
using QbSync.Testing.Machine;
using QbSync.Testing.Processes;
using QbSync.Testing.Specifications;
using QbSync.Testing.Torrents;
using QbSync.Testing.Waiting;

namespace QbSync.ProcessTests;

/// <summary>The commands that say what would be done, and have one torrent handed over, as people use them.</summary>
public sealed class PlanTests
{
    [Test]
    [HostCase(39)]
    [HostCase(40)]
    public async Task Commands_OnlineAndOffline_SayTheSameAndHandOver()
    {
        using var folder = new TempDirectory();
        await using var nodes = new TwoProcesses(folder["data"], folder["own"]);
        var film = new TorrentBuilder("film.bin") { PieceLength = 32768, Length = 100_000, Seed = 1 }.Build();
        nodes.Add(film);
        nodes.StartDestination();

        // So long that what is left of it is the same in words whenever it is asked for.
        nodes.StartSource(minSeedingTime: "30d");
        await nodes.WaitUntilAllAreSyncedAsync();

        // Synced is seen a moment before it is recorded, and its tag follows; then nothing changes any more.
        await Eventually.BecomesTrueAsync(() => nodes.ListSourceRecords().Any(static record => record.Contains("\"synced\"", StringComparison.Ordinal)));
        var online = await AskAsync(0, ["plan", "--state-dir", nodes.SourceState, "--json"]);
        var offline = await AskAsync(0, ["plan", "--offline", .. nodes.SourceOptions, "--min-seeding-time", "30d", "--json"]);
        Assert.That(RowsOf(offline), Is.EqualTo(RowsOf(online)));
        Assert.That(RowsOf(online), Does.Contain("\"keep\"").And.Contain("another 30 d"));
        Assert.That(
            await AskAsync(0, ["explain", $"{film.Id}", "--state-dir", nodes.SourceState]),
            Does.Contain("NO   it has seeded long enough").And.Contain("--min-seeding-time").And.Contain("?    the proof is of this torrent"));
        await AskAsync(4, ["explain", new string('f', 40), "--state-dir", nodes.SourceState]);
        Assert.That(await AskAsync(4, ["handoff", $"{film.Id}", "--state-dir", nodes.SourceState]), Does.Contain("it has not seeded long enough"));
        await nodes.StopSourceAsync();
        await AskAsync(5, ["plan", "--state-dir", nodes.SourceState]);
        await AskAsync(4, ["explain", new string('f', 40), "--offline", .. nodes.SourceOptions, "--min-seeding-time", "30d"]);
    }

    private static string RowsOf(string document)
    {
        using var parsed = JsonDocument.Parse(document);
        return parsed.RootElement.GetProperty("torrents").GetRawText();
    }

    private static async Task<string> AskAsync(int code, string[] arguments)
    {
        await using var process = QbSyncProcess.Start(arguments);
        Assert.That(await process.WaitForExitAsync(), Is.EqualTo(code), process.Output);
        return process.Output;
    }
}
