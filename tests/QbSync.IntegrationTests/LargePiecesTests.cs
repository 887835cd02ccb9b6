using QbSync.Testing.Specifications;

namespace QbSync.IntegrationTests;

/// <summary>Pieces far larger than anything that may be in memory.</summary>
internal sealed class LargePiecesTests
{
    private const int MiB = 1 << 20;
    private const int Budget = 16 * MiB;

    [TestCase(64 * MiB, 80 * MiB)]
    [TestCase(256 * MiB, 256 * MiB)]
    [TestCase(536_854_528, 536_854_528)]
    [DestinationCase(47)]
    [SourceCase(48)]
    [MetricCase("A21")]
    public async Task PiecesOfAnyAllowedLength_PassWithinTheBudget(int pieceLength, int length)
    {
        await using var nodes = new TwoNodes();
        var torrent = new TorrentBuilder("large.bin") { PieceLength = pieceLength, Length = length, Seed = 9 }.Build();
        nodes.AddAtSource(torrent);
        GC.Collect();
        var before = GC.GetTotalMemory(forceFullCollection: true);
        await nodes.StartAsync([("read-ahead", "16MiB")], [("max-stream-buffer", "16MiB")]);
        var highest = 0.0;
        var memory = 0L;
        await Eventually.BecomesTrueAsync(
            async () =>
            {
                var scrape = await TwoNodes.ScrapeAsync(nodes.Destination.Registry);
                Assert.That(scrape.Sum("qbsync_receive_budget_limit_bytes"), Is.EqualTo(Budget));
                highest = Math.Max(highest, scrape.Sum("qbsync_receive_budget_bytes_in_use"));
                memory = Math.Max(memory, Held(before));
                return nodes.Source.Status is { } status && status.Torrents.Any(static shown => shown.FinishedAt is not null);
            },
            TimeSpan.FromMinutes(2));
        Assert.That(torrent.FindDifference(nodes.DestinationData), Is.Null);
        Assert.That(highest, Is.LessThanOrEqualTo(Budget));
        Assert.That(memory, Is.LessThan(4 * Budget), "what both roles hold, buffers of both ends and of the network included");
    }

    /// <summary>What is held more than before; what nobody holds any more and was not collected yet is none of it.</summary>
    private static long Held(long before) => GC.GetTotalMemory(forceFullCollection: false) - before is var all && all < 4 * Budget
        ? all
        : GC.GetTotalMemory(forceFullCollection: true) - before;
}
