using QbSync.Testing.Metrics;
using QbSync.Testing.Specifications;

namespace QbSync.IntegrationTests;

/// <summary>The laws of metrics after faults of every kind, in any order: <see cref="TwoNodes"/> checks them at the end.</summary>
internal sealed class MetricLawsTests
{
    private const int MiB = 1 << 20;
    private const int Faults = 6;

    [Test]
    [MetricCase("Q3"), MetricCase("L1"), MetricCase("L2"), MetricCase("L3"), MetricCase("L5"), MetricCase("L6"), MetricCase("L7")]
    public Task Laws_AfterRandomFaults_Hold([Range(1, 3)] int seed) => RunAsync(seed);

    [Test]
    [Category("Long")]
    [MetricCase("Q3")]
    public Task Laws_AfterManyRandomFaults_Hold([Range(4, 30)] int seed) => RunAsync(seed);

    private static async Task RunAsync(int seed)
    {
        var random = new Random(seed);
        await using var way = new FaultRelay();
        await using var nodes = new TwoNodes();
        nodes.AddAtSource(new TorrentBuilder("a.bin") { Length = 6 * MiB + 77, PieceLength = 64 * 1024, Seed = 1 }.Build());
        nodes.AddAtSource(new TorrentBuilder("b") { Seed = 2 }.AddFile("x", 2 * MiB + 1).AddFile("y", 77).Build());
        (string, string)[] source = [("destination-addr", way.Address), ("rate-limit", "4MiB/s"), ("reconnect-max-delay", "1s"), ("qb-poll-interval", "100ms")];
        await nodes.OpenAsync(source, []);
        way.Start(nodes.Destination.ListenAddress!);
        nodes.Run();
        for (var fault = 0; fault < Faults; fault++)
        {
            // By what has crossed, not by time: a slow machine has the same faults at the same places.
            var enough = await SentAsync(nodes) + random.Next(64, 1024) * 1024;
            await Eventually.BecomesTrueAsync(async () => await SentAsync(nodes) >= enough || IsDone(nodes));
            switch (random.Next(3))
            {
                case 0:
                    way.Cut();
                    break;
                case 1:
                    way.Delay = random.Next(30);
                    break;
                case 2:
                    way.Spoil();
                    break;
            }
        }

        way.Delay = 0;
        await Eventually.BecomesTrueAsync(() => IsDone(nodes));
    }

    private static bool IsDone(TwoNodes nodes) => nodes.Source.Status is { } status && status.Torrents.Count(static torrent => torrent.FinishedAt is not null) == 2;

    private static async Task<double> SentAsync(TwoNodes nodes) =>
        Exposition.Parse((await TwoNodes.ScrapeAsync(nodes.Source.Registry)).Text).Sum("qbsync_bytes_sent_total");
}
