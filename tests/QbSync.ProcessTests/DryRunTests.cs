using System.Security.Cryptography;
using QbSync.Testing.Machine;
using QbSync.Testing.Processes;
using QbSync.Testing.Specifications;
using QbSync.Testing.Torrents;
using QbSync.Testing.Waiting;

namespace QbSync.ProcessTests;

/// <summary>Both roles with <c>--dry-run</c>, as people start them: what they would do is said, and no file on either side is another one afterwards.</summary>
public sealed class DryRunTests
{
    [Test]
    [HostCase(22)]
    [SourceCase(122)]
    public async Task Source_WithRemovalExclusionPressureAndDrain_ChangesNothingAndARealRunSyncsAll()
    {
        using var folder = new TempDirectory();
        await using var nodes = new TwoProcesses(folder["data"], folder["own"]);
        var (gone, kept, fresh, forbidden) = (Make("gone", 1), Make("kept", 2), Make("fresh", 3), Make("forbidden", 4));
        nodes.Add(gone);
        nodes.Add(kept);
        nodes.StartDestination();
        nodes.StartSource();
        await nodes.WaitUntilAllAreSyncedAsync();

        // The source tags what it has recorded.
        await Eventually.BecomesTrueAsync(
            () => nodes.ListSourceRecords().Count(static record => record.Contains("\"synced\"", StringComparison.Ordinal)) == 2);
        await nodes.StopSourceAsync();
        nodes.Remove(gone);
        nodes.Add(fresh);
        nodes.AddTagged(forbidden, "no-sync");

        // One that ended has written all that it had to.
        Assert.That(await nodes.Destination!.TerminateAsync(), Is.Zero, nodes.Destination.Output);
        await nodes.Destination.DisposeAsync();
        nodes.StartDestination();

        // What it writes at its start is written when it says what it knows, and what its client writes when that has answered.
        await Eventually.BecomesTrueAsync(() => nodes.Destination!.Output.Contains("The destination knows 2 torrents", StringComparison.Ordinal)
            && nodes.Destination.Output.Contains("The torrent client answers", StringComparison.Ordinal));
        var before = await RestingPictureAsync(folder.Path, nodes.SourceFolder);
        var health = FreePorts.Take();
        nodes.StartDrySource(health);
        string[] expected = ["gone.bin (", "Handoff, since", "100000 bytes to send", "forbidden.bin ("];
        try
        {
            await Eventually.BecomesTrueAsync(
                () => nodes.Source!.HasExited || expected.All(words => nodes.Source!.Output.Contains(words, StringComparison.Ordinal)), TimeSpan.FromMinutes(2));
        }
        catch (TimeoutException)
        {
            Assert.Fail(nodes.Source!.Output);
        }

        Assert.That(nodes.Source!.HasExited, Is.False, nodes.Source.Output);
        var output = nodes.Source!.Output;
        var served = (await Scrape.TryReadAsync(health))!.Text;
        await nodes.StopSourceAsync();

        Assert.That(LineOf(output, "gone"), Does.Contain("Remove"));
        Assert.That(LineOf(output, "kept"), Does.Contain("Handoff").And.Contain("100000 to free"));
        Assert.That(LineOf(output, "fresh"), Does.Contain("Sync").And.Contain("100000 bytes to send"));
        Assert.That(LineOf(output, "forbidden"), Does.Contain("Skip").And.Contain("no-sync"));
        Assert.That(Picture(folder.Path, nodes.SourceFolder), Is.EqualTo(before));
        Assert.That(served, Does.Contain("qbsync_sync_outcomes_total{mode=\"source\",result=\"success\"} 0"));
        Assert.That(served, Does.Not.Match("(?m)^qbsync_(torrents_synced|bytes_sent|pieces_sent|exclude_sync_abort|cleanup_torrents_handed_off)_total[^\n]* [1-9]"));

        nodes.StartSource();
        await nodes.WaitUntilAllAreSyncedAsync();
        nodes.AssertAllIsEqual();
    }

    [Test]
    [SourceCase(122)]
    public async Task Source_WithoutStateOrPeer_MakesNoFolderAndStopsAtOnce()
    {
        using var folder = new TempDirectory();
        Directory.CreateDirectory(folder["data"]);
        var before = Picture(folder.Path);
        foreach (var security in (string[])["insecure", "paired"])
        {
            await using var source = QbSyncProcess.Start(
            [
                "source", "--data", folder["data"], "--client", "folder", "--client-dir", folder["torrents"], "--state-dir", folder["state"], "--security", security,
                "--health-addr", "", "--destination-addr", $"127.0.0.1:{FreePorts.Take()}", "--dry-run",
            ]);
            await Eventually.BecomesTrueAsync(() => source.Output.Contains("Dry run", StringComparison.Ordinal));
            Assert.That(await source.TerminateAsync(), Is.Zero, source.Output);
            Assert.That(Picture(folder.Path), Is.EqualTo(before), security);
        }
    }

    [Test]
    [HostCase(23)]
    [SourceCase(122)]
    public async Task Destination_UnderARealSource_ChangesNothingFailsNothingAndARealRunSyncsAll()
    {
        using var folder = new TempDirectory();
        await using var nodes = new TwoProcesses(folder["data"], folder["own"]);
        nodes.Add(Make("film", 1));
        nodes.Add(Make("song", 2));
        var before = Picture(folder.Path);
        nodes.StartDestination("--dry-run");
        nodes.StartSource();

        // Both are asked for again and again: from the third time on that is told.
        await Eventually.BecomesTrueAsync(() => nodes.Source!.Output.Split(") waits: ").Length > 2);
        Assert.That(nodes.Source!.Output, Does.Not.Contain("got strike"));
        await nodes.StopSourceAsync();
        Assert.That(await nodes.Destination!.TerminateAsync(), Is.Zero, nodes.Destination.Output);
        Assert.That(Picture(folder.Path), Is.EqualTo(before));
        Assert.That(Directory.Exists(nodes.DestinationState), Is.False);
        Assert.That(nodes.ListSourceRecords(), Has.None.Contains("\"synced\"").And.None.Contains("sync-failed"));

        nodes.StartDestination();
        nodes.StartSource();
        await nodes.WaitUntilAllAreSyncedAsync();
        nodes.AssertAllIsEqual();
    }

    private static BuiltTorrent Make(string name, int seed) => new TorrentBuilder($"{name}.bin") { PieceLength = 32768, Length = 100_000, Seed = seed }.Build();

    /// <summary>The last line about a torrent.</summary>
    private static string LineOf(string output, string name) => output.Split('\n').Last(line => line.Contains($"{name}.bin (", StringComparison.Ordinal));

    /// <summary>The same when it has not changed for a second: a destination writes for a while after its last word.</summary>
    private static async Task<string[]> RestingPictureAsync(params string[] folders)
    {
        var last = Picture(folders);
        var since = TimeProvider.System.GetTimestamp();
        await Eventually.BecomesTrueAsync(() =>
        {
            var now = Picture(folders);
            if (!now.SequenceEqual(last))
            {
                (last, since) = (now, TimeProvider.System.GetTimestamp());
            }

            return TimeProvider.System.GetElapsedTime(since) > TimeSpan.FromSeconds(1);
        });
        return last;
    }

    /// <summary>Every folder, and every file with its time and content.</summary>
    private static string[] Picture(params string[] folders) =>
    [
        .. folders.SelectMany(static folder => new DirectoryInfo(folder).EnumerateFileSystemInfos("*", new EnumerationOptions
        {
            RecurseSubdirectories = true,
            AttributesToSkip = FileAttributes.None,
        })).Select(static entry => entry is FileInfo file
            ? $"{file.FullName} {file.LastWriteTimeUtc.Ticks} {(file.Name is "lock" or "control.sock" ? "" : Convert.ToHexString(SHA256.HashData(File.ReadAllBytes(file.FullName))))}"
            : $"{entry.FullName}/").Order(StringComparer.Ordinal),
    ];
}
