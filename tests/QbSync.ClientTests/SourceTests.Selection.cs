using QbSync.Ports;
using QbSync.Testing.Specifications;
using QbSync.Torrents;

namespace QbSync.ClientTests;

/// <summary>What people select, and change their minds about.</summary>
internal sealed partial class SourceTests
{
    [Test]
    [SourceCase(68)]
    public async Task Selection_EnlargedAndReducedAfterSynced_SendsWhatIsLackingAndDeletesNothing()
    {
        var torrent = new TorrentBuilder("minds change") { Seed = 561, PieceLength = 64 * 1024 }
            .AddFile("a.bin", 500_001).AddFile("b.bin", 400_000).AddFile("c.bin", 600_000).Build();
        var id = await _lab.SeedAsync(torrent, added => _lab.SelectAsync(added, wanted: false, "c.bin"));
        await _lab.Until(
            async () => (await _lab.FindHereAsync(torrent))!.SelectedSize < torrent.Manifest.ContentLength, null, torrent, "the client counts what is selected");
        await _lab.SyncedAsync(torrent);
        var before = (await _lab.FindThereAsync(torrent))!;
        Assert.That(File.Exists(Path.Combine(_lab.Destination.SavePath, "minds change", "c.bin")), Is.False);

        // Marks of an entry that is kept: one that is added anew would not have them.
        await _lab.DestinationClient.AddTagsAsync([before.Id], ["of the user there"], CancellationToken.None);
        var addedOn = (await EnginesLab.GetPropertiesAsync(_lab.Destination, before.Id)).GetProperty("addition_date").GetInt64();
        var sentBefore = _lab.Progress(torrent)!.BytesMoved;

        await _lab.SelectAsync(id, wanted: true, "c.bin");
        await _lab.Until(() => Task.FromResult(Inits(torrent).Count > 1), null, torrent, "it is opened again");
        await _lab.ReachesAsync(torrent, "Synced");
        await _lab.Until(async () => await SelectedThereAsync() == 3, null, torrent, "the client there wants all three");
        var after = (await _lab.FindThereAsync(torrent))!;
        var boundary = torrent.Manifest.PieceCount - (900_001 / (64 * 1024));
        Assert.Multiple(() =>
        {
            Assert.That(torrent.FindDifference(_lab.Destination.SavePath), Is.Null);
            Assert.That((after.State, after.Progress, after.AmountLeft), Is.EqualTo((ClientTorrentState.StoppedUp, 1.0, 0L)));
            Assert.That(after.Tags, Does.Contain("of the user there"));
            Assert.That(sentBefore, Is.GreaterThan(0));
            Assert.That(_lab.Progress(torrent)!.BytesMoved, Is.LessThanOrEqualTo((long)boundary * 64 * 1024), "only what was lacking");
        });
        Assert.That((await EnginesLab.GetPropertiesAsync(_lab.Destination, after.Id)).GetProperty("addition_date").GetInt64(), Is.EqualTo(addedOn));

        await _lab.SelectAsync(id, wanted: false, "a.bin");
        await _lab.Until(async () => await SelectedThereAsync() == 2, null, torrent, "the client there wants two");
        await _lab.ReachesAsync(torrent, "Synced");
        Assert.That(torrent.FindDifference(_lab.Destination.SavePath), Is.Null, "no file was deleted, there");
        Assert.That(torrent.FindDifference(_lab.Source.SavePath), Is.Null, "or here");

        async Task<int> SelectedThereAsync() =>
            (await _lab.DestinationClient.GetFilesAsync(before.Id, CancellationToken.None)).Count(static file => file.Selected);
    }
}
