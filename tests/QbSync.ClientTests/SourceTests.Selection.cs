using QbSync.Ports;
using QbSync.Testing.Specifications;

namespace QbSync.ClientTests;

/// <summary>What people select, and change their minds about.</summary>
internal sealed partial class SourceTests
{
    [Test]
    [Category("Long")]
    [SourceCase(68)]
    public async Task Selection_ReducedAndEnlargedAfterSynced_SendsWhatIsLackingAndDeletesNothing()
    {
        // Of one that was downloaded in part: a client that has all takes no notice of what is selected.
        var torrent = new TorrentBuilder("minds change") { Seed = 561, PieceLength = 64 * 1024 }
            .AddFile("a.bin", 500_001).AddFile("b.bin", 400_000).AddFile("c.bin", 600_000).Build();
        var id = await _lab.DownloadAsync(torrent, 8 * MiB, added => _lab.SelectAsync(added, wanted: false, "c.bin"));
        await _lab.SyncedAsync(torrent);
        var before = (await _lab.FindThereAsync(torrent))!;
        Assert.That(File.Exists(Path.Combine(_lab.Destination.SavePath, "minds change", "c.bin")), Is.False);

        // Marks of an entry that is kept: one that is added anew would not have them.
        await _lab.DestinationClient.AddTagsAsync([before.Id], ["of the user there"], CancellationToken.None);
        var addedOn = (await EnginesLab.GetPropertiesAsync(_lab.Destination, before.Id)).GetProperty("addition_date").GetInt64();

        await _lab.SelectAsync(id, wanted: false, "a.bin");
        await BecomesSelectedThereAsync("b.bin");
        foreach (var folder in (string[])[_lab.Source.SavePath, _lab.Destination.SavePath])
        {
            Assert.That(
                Directory.EnumerateFiles(Path.Combine(folder, "minds change"), "a.bin", SearchOption.AllDirectories).Select(static path => new FileInfo(path).Length),
                Is.EqualTo(new[] { 500_001L }),
                "no file was deleted, though a client may have a folder for what is not wanted");
        }

        if (!(await _lab.DestinationClient.DescribeAsync(refresh: false, CancellationToken.None)).Capabilities.KeepsUnselectedFiles)
        {
            // 4.2 looks for a file that was not wanted in a folder of its own, and the destination does not bring it there: the torrent fails with that reason.
            return;
        }

        string[] wanted = ["a.bin", "b.bin", "c.bin"];
        await _lab.SelectAsync(id, wanted: true, wanted);
        await _lab.MeetSeederAsync(id);
        await BecomesSelectedThereAsync(wanted);
        var after = (await _lab.FindThereAsync(torrent))!;
        var whole = torrent.Manifest.PieceCount - (900_001 / torrent.Manifest.PieceLength);
        Assert.Multiple(() =>
        {
            Assert.That(torrent.FindDifference(_lab.Destination.SavePath, file => wanted.Contains(file.Path[^1])), Is.Null);
            Assert.That((after.State, after.Progress, after.AmountLeft), Is.EqualTo((ClientTorrentState.StoppedUp, 1.0, 0L)));
            Assert.That(after.Tags, Does.Contain("of the user there"));
            Assert.That(_lab.Progress(torrent)!.BytesMoved, Is.LessThanOrEqualTo(whole * torrent.Manifest.PieceLength), "only what was lacking");
        });
        Assert.That((await EnginesLab.GetPropertiesAsync(_lab.Destination, after.Id)).GetProperty("addition_date").GetInt64(), Is.EqualTo(addedOn));

        Task BecomesSelectedThereAsync(params string[] names) => _lab.Until(
            async () => (await _lab.DestinationClient.GetFilesAsync(before.Id, CancellationToken.None)).Where(static file => file.Selected)
                .Select(static file => file.Path.Split('/')[^1]).Order().SequenceEqual(names) && _lab.Progress(torrent)?.State == "Synced"
                && await _lab.FindThereAsync(torrent) is { IsComplete: true, IsStopped: true },
            TimeSpan.FromMinutes(3),
            torrent,
            $"it is synced with {string.Join(", ", names)}");
    }
}
