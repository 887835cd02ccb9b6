using QbSync.Testing.Specifications;

namespace QbSync.IntegrationTests;

/// <summary>The laws between counters after a real sync.</summary>
internal sealed class MetricsTests
{
    private const int MiB = 1 << 20;

    [Test]
    [MetricCase("L1"), MetricCase("L2"), MetricCase("L3"), MetricCase("L4"), MetricCase("L5")]
    public async Task Counters_AtRestAfterASync_ObeyTheirLaws()
    {
        await using var nodes = new TwoNodes();
        BuiltTorrent[] torrents =
        [
            new TorrentBuilder("a.bin") { Length = 20 * MiB, PieceLength = 64 * 1024, Seed = 1 }.Build(),
            new TorrentBuilder("b") { Seed = 2 }.AddFile("x", 5 * MiB + 1).AddFile("empty", 0).AddFile("y", 77).Build(),
        ];
        foreach (var torrent in torrents)
        {
            nodes.AddAtSource(torrent);
        }

        await nodes.StartAsync();
        await nodes.AllSyncedAsync(torrents.Length);
        foreach (var torrent in torrents)
        {
            Assert.That(torrent.FindDifference(nodes.DestinationData), Is.Null);
        }

        // At rest: what is counted after a torrent is told as finished has been counted, and a counter never goes back. A sender may count its last piece when
        // the answer to it was counted long ago.
        var pieces = torrents.Sum(torrent => torrent.Manifest.PieceCount);
        await Eventually.BecomesTrueAsync(async () => (await TwoNodes.ScrapeAsync(nodes.Source.Registry)).Sum("qbsync_inflight_pieces") == 0
            && (await TwoNodes.ScrapeAsync(nodes.Source.Registry)).Sum("qbsync_pieces_sent_total") >= pieces
            && (await TwoNodes.ScrapeAsync(nodes.Source.Registry)).Sum("qbsync_piece_send_duration_seconds_count") >= pieces
            && (await TwoNodes.ScrapeAsync(nodes.Source.Registry)).Sum("qbsync_torrents_synced_total") == torrents.Length
            && (await TwoNodes.ScrapeAsync(nodes.Destination.Registry)).Sum("qbsync_torrents_synced_total") == torrents.Length
            && (await TwoNodes.ScrapeAsync(nodes.Destination.Registry)).Sum("qbsync_finalization_duration_seconds_count") >= torrents.Length);
        var source = await TwoNodes.ScrapeAsync(nodes.Source.Registry);
        var destination = await TwoNodes.ScrapeAsync(nodes.Destination.Registry);
        Assert.Multiple(() =>
        {
            Assert.That(source.Sum("qbsync_pieces_sent_total"), Is.EqualTo(pieces), "each piece is sent once");
            Assert.That(source.Sum("qbsync_pieces_acked_total"), Is.EqualTo(pieces));
            Assert.That(source.Sum("qbsync_inflight_pieces"), Is.Zero);
            Assert.That(source.Sum("qbsync_piece_rtt_seconds_count"), Is.EqualTo(source.Sum("qbsync_pieces_acked_total")), "L2");
            Assert.That(source.Sum("qbsync_piece_send_duration_seconds_count"), Is.EqualTo(source.Sum("qbsync_pieces_sent_total")), "L2");
            Assert.That(destination.Sum("qbsync_piece_write_duration_seconds_count"), Is.EqualTo(destination.Sum("qbsync_pieces_received_total")), "L3");
            Assert.That(source.Sum("qbsync_bytes_sent_total"), Is.EqualTo(destination.Sum("qbsync_bytes_received_total")), "L4");
            Assert.That(source.Sum("qbsync_torrents_synced_total"), Is.EqualTo(torrents.Length));
            Assert.That(destination.Sum("qbsync_torrents_synced_total"), Is.EqualTo(torrents.Length));
            Assert.That(source.Sum("qbsync_torrent_bytes_synced_total"), Is.EqualTo(torrents.Sum(torrent => torrent.Manifest.ContentLength)));
            Assert.That(destination.Sum("qbsync_finalization_duration_seconds_count", "result=\"success\""), Is.EqualTo(torrents.Length), "L5");
        });
    }
}
