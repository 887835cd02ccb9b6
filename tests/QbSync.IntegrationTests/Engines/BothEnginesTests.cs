using QbSync.Ports;

namespace QbSync.IntegrationTests.Engines;

[TestFixture]
internal sealed class BothEnginesTests
{
    [Test]
    public async Task TorrentsOfEveryKind_AreSyncedByteForByteAndRegistered()
    {
        await using var both = new BothEngines();
        BuiltTorrent[] torrents =
        [
            new TorrentBuilder("single.bin") { Length = 3_000_001, PieceLength = 65536, Seed = 1 }.Build(),
            new TorrentBuilder("folder") { PieceLength = 32768, Seed = 2 }
                .AddFile("a/one.bin", 100_000).AddFile("empty.txt", 0).AddFile("тест/два.bin", 250_001).Build(),
            new TorrentBuilder("padded") { PieceLength = 32768, Seed = 3, WithPads = true }.AddFile("x", 40_000).AddFile("y", 70_000).Build(),
            new TorrentBuilder("hybrid") { PieceLength = 32768, Seed = 4, Version = TorrentVersion.Hybrid }
                .AddFile("x", 140_000).AddFile("y", 70_000).Build(),
            new TorrentBuilder("second") { PieceLength = 32768, Seed = 5, Version = TorrentVersion.V2 }.AddFile("x", 140_000).AddFile("y", 9).Build(),
            new TorrentBuilder("small pieces") { Length = 2_000_000, PieceLength = 16384, Seed = 6 }.Build(),
        ];
        foreach (var torrent in torrents)
        {
            both.AddComplete(torrent);
        }

        both.StartDestination();
        both.StartSource();
        await both.SyncedAsync(torrents);

        foreach (var torrent in torrents)
        {
            Assert.That(torrent.FindDifference(both.DestinationData), Is.Null, torrent.Name);
            var there = await both.DestinationClient.FindAsync(torrent.Manifest.V1, torrent.Manifest.V2, default);
            Assert.That(there, Is.Not.Null, torrent.Name);
            Assert.That(there!.IsComplete, Is.True, torrent.Name);
            Assert.That(there.State, Is.EqualTo(ClientTorrentState.StoppedUp), torrent.Name);
            Assert.That(there.Tags, Does.Contain("synced"), torrent.Name);
        }

        await Eventually.BecomesTrueAsync(async () =>
        {
            var here = await both.SourceClient.FindAsync(torrents[0].Manifest.V1, torrents[0].Manifest.V2, default);
            return here!.Tags.Contains("synced");
        });
        Assert.That(await both.ScrapeSourceAsync(), Does.Contain("qbsync_sync_outcomes_total{mode=\"source\",result=\"success\"} 6"));
    }

    [Test]
    public async Task GrowingContent_IsStreamedWhileItGrows()
    {
        await using var both = new BothEngines();
        var torrent = new TorrentBuilder("growing.bin") { Length = 20 * 65536, PieceLength = 65536, Seed = 7 }.Build();
        torrent.WriteTorrent(both.SourceTorrents);
        var bytes = torrent.ReadFile(0);
        var path = Path.Combine(both.SourceData, "growing.bin");
        await File.WriteAllBytesAsync(path, bytes[..(5 * 65536)]);
        both.StartDestination();
        both.StartSource();
        await Eventually.BecomesTrueAsync(() => both.Progress(torrent) is { State: "Streaming", PiecesDone: 5 });

        // It grows: cut and written anew it would be gone for a moment.
        await File.AppendAllBytesAsync(path, bytes[(5 * 65536)..(12 * 65536)]);
        await Eventually.BecomesTrueAsync(() => both.Progress(torrent) is { State: "Streaming", PiecesDone: 12 });
        await File.AppendAllBytesAsync(path, bytes[(12 * 65536)..]);
        await both.SyncedAsync(torrent);

        Assert.That(torrent.FindDifference(both.DestinationData), Is.Null);
    }

    [Test]
    public async Task SourceRestarted_WithEverythingSynced_MovesNothing()
    {
        await using var both = new BothEngines();
        var torrent = new TorrentBuilder("film.bin") { Length = 2_000_003, PieceLength = 65536, Seed = 8 }.Build();
        both.AddComplete(torrent);
        both.StartDestination();
        both.StartSource();
        await both.SyncedAsync(torrent);
        await both.StopSourceAsync();

        both.StartSource();
        await both.SyncedAsync(torrent);
        await Eventually.BecomesTrueAsync(() => both.Status.PeerOk == true);

        Assert.That(both.Progress(torrent)!.BytesMoved, Is.Zero);
        Assert.That(await both.ScrapeSourceAsync(), Does.Contain("qbsync_sync_outcomes_total{mode=\"source\",result=\"success\"} 0"));
    }
}
