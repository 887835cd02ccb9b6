using System.Globalization;
using QbSync.Testing.Specifications;

namespace QbSync.IntegrationTests;

/// <summary>How the source's workers and the link's streams go together.</summary>
internal sealed class StreamsTests
{
    [Test]
    [TransportCase(27)]
    public async Task Streams_MoreThanSenders_AllCarryPieces()
    {
        const int Streams = 8;
        await using var nodes = new TwoNodes();
        nodes.AddAtSource(new TorrentBuilder("many.bin") { Length = 16 << 20, PieceLength = 64 * 1024 }.Build());

        // The limit makes each worker wait with its stream, so that no stream is free again before another was taken.
        await nodes.StartAsync(
            ("num-senders", "2"), ("min-connections", Streams.ToString(CultureInfo.InvariantCulture)), ("rate-limit", "4MiB/s"));
        await nodes.AllSyncedAsync(1);

        var scrape = await TwoNodes.ScrapeAsync(nodes.Source.Registry);
        for (var slot = 0; slot < Streams; slot++)
        {
            Assert.That(scrape.Text, Does.Match($"qbsync_pieces_sent_total{{connection=\"{slot}\"}} [1-9]"), $"connection {slot}");
        }
    }
}
