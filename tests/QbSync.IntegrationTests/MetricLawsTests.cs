using QbSync.Testing.Clients.Sim;
using QbSync.Testing.Metrics;
using QbSync.Testing.Networks;
using QbSync.Testing.Specifications;

namespace QbSync.IntegrationTests;

/// <summary>The laws of metrics after faults of every kind, in any order: <see cref="TwoNodes"/> checks them at the end.</summary>
internal sealed class MetricLawsTests
{
    private const int MiB = 1 << 20;
    private const int Faults = 6;
    private const string Filler = "filler";

    /// <summary>What can go wrong: a way that is cut, that is slow, that damages; a client at either side that answers 503; a disk that somebody else fills.</summary>
    private enum Fault
    {
        Cut,
        Delay,
        Corrupt,
        SourceClientDown,
        DestinationClientDown,
        DiskFull,
    }

    [Test]
    [MetricCase("Q3"), MetricCase("L1"), MetricCase("L2"), MetricCase("L3"), MetricCase("L5"), MetricCase("L6"), MetricCase("L7"), MetricCase("L8")]
    public Task Laws_AfterRandomFaults_Hold([Range(1, 3)] int seed) => RunAsync(seed, mount: null, mostFailures: 3);

    /// <summary>With a disk of its own at the destination, which gets full, and clients that are down for longer.</summary>
    [Test]
    [Category("Long")]
    [Category("Mounts")]
    [MetricCase("Q3")]
    public async Task Laws_AfterManyRandomFaults_Hold([Range(4, 30)] int seed)
    {
        using var mount = LoopMount.Create(64);
        await RunAsync(seed, mount, mostFailures: 12);
    }

    private static async Task RunAsync(int seed, LoopMount? mount, int mostFailures)
    {
        var random = new Random(seed);
        await using var way = new FaultRelay();
        await using var nodes = new TwoNodes { DataOfDestination = mount is null ? null : Directory.CreateDirectory(Path.Combine(mount.Path, "data")).FullName };
        await using var sourceClient = await ClientListener.StartAsync(nodes.SourceData);
        await using var destinationClient = await ClientListener.StartAsync(nodes.DestinationData);
        Add(new TorrentBuilder("a.bin") { Length = 6 * MiB + 77, PieceLength = 64 * 1024, Seed = 1 }.Build());
        Add(new TorrentBuilder("b") { Seed = 2 }.AddFile("x", 2 * MiB + 1).AddFile("y", 77).Build());
        (string, string)[] source =
        [
            ("destination-addr", way.Address), ("rate-limit", "4MiB/s"), ("reconnect-max-delay", "1s"), ("qb-poll-interval", "100ms"),
            ("client", "qbittorrent"), ("qb-url", $"{sourceClient.Url}"),
        ];
        await nodes.OpenAsync(source, [("client", "qbittorrent"), ("qb-url", $"{destinationClient.Url}"), ("poll-interval", "200ms")]);
        way.Start(nodes.Destination.ListenAddress!);
        nodes.Run();
        for (var fault = 0; fault < Faults; fault++)
        {
            // By what has crossed, not by time: a slow machine has the same faults at the same places.
            var enough = await SentAsync(nodes) + random.Next(64, 1024) * 1024;
            await Eventually.BecomesTrueAsync(async () => await SentAsync(nodes) >= enough || IsDone(nodes));
            switch ((Fault)random.Next((int)Fault.DiskFull + (mount is null ? 0 : 1)))
            {
                case Fault.Cut:
                    way.Cut();
                    break;
                case Fault.Delay:
                    way.Delay = random.Next(30);
                    break;
                case Fault.Corrupt:
                    way.Spoil();
                    break;
                case Fault.SourceClientDown:
                    sourceClient.Fail(random.Next(1, mostFailures + 1));
                    break;
                case Fault.DestinationClientDown:
                    destinationClient.Fail(random.Next(1, mostFailures + 1));
                    break;
                case Fault.DiskFull:
                    mount!.Fill(Filler);
                    await FullAsync(nodes);
                    File.Delete(Path.Combine(mount.Path, Filler));
                    break;
            }
        }

        way.Delay = 0;
        await Eventually.BecomesTrueAsync(() => IsDone(nodes));

        void Add(BuiltTorrent torrent)
        {
            torrent.WriteContent(nodes.SourceData);
            sourceClient.Model.Add(new SimAdd(torrent.Bytes, nodes.SourceData) { IsSeedMode = true, IsStopped = false });
        }
    }

    /// <summary>Until a piece was refused for that; but what has its blocks already goes on, and what has not begun is refused as a whole, so not for ever.</summary>
    private static async Task FullAsync(TwoNodes nodes)
    {
        var (before, began) = (await SumAsync(nodes, "qbsync_piece_rejections_total"), TimeProvider.System.GetTimestamp());
        await Eventually.BecomesTrueAsync(async () => await SumAsync(nodes, "qbsync_piece_rejections_total") > before || IsDone(nodes)
            || TimeProvider.System.GetElapsedTime(began) > TimeSpan.FromSeconds(2));
    }

    private static bool IsDone(TwoNodes nodes) => nodes.Source.Status is { } status && status.Torrents.Count(static torrent => torrent.FinishedAt is not null) == 2;

    private static Task<double> SentAsync(TwoNodes nodes) => SumAsync(nodes, "qbsync_bytes_sent_total");

    private static async Task<double> SumAsync(TwoNodes nodes, string family) =>
        Exposition.Parse((await TwoNodes.ScrapeAsync(nodes.Source.Registry)).Text).Sum(family);
}
