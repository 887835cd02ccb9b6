using Microsoft.Extensions.Logging.Abstractions;
using QbSync.Ports;
using QbSync.Throughput.Measuring;
using QbSync.Transport;

namespace QbSync.Throughput.Transport;

/// <summary>The transport's source side alone: as many senders as the host has, over a link as the engine opens it.</summary>
internal static class TransportSource
{
    public const string Kind = "transport-source";

    private const int Senders = 4; // the host's num-senders

    public static async Task<int> RunAsync(string[] args)
    {
        var settings = LayerSettings.Read(args);
        var registry = Prometheus.Metrics.NewCustomRegistry();
        await using var destination = new RemoteDestination(
            new TransportClientOptions { Address = settings.All["address"], Security = LayerSecurity.Read(settings) },
            Prometheus.Metrics.WithCustomRegistry(registry),
            registry,
            NullLoggerFactory.Instance,
            TimeProvider.System,
            new Random(1));
        var sink = new AckCounter();
        await using var link = destination.OpenLink(new Caller(Guid.NewGuid(), "throughput"), sink);
        using var pieces = new PieceSupply(settings);
        await SendAsync(link, sink, pieces, settings.WarmUp);
        Console.WriteLine("warm");
        using var meter = Parent.WaitForBegin();
        await SendAsync(link, sink, pieces, settings.Pieces);
        Console.WriteLine(meter.Read().ToLine());
        return 0;
    }

    private static async Task SendAsync(IPieceLink link, AckCounter sink, PieceSupply pieces, int count)
    {
        var acked = sink.Expect(count);
        var next = -1;
        var senders = Enumerable.Range(0, Senders).Select(_ => Task.Run(async () =>
        {
            while (Interlocked.Increment(ref next) is var piece && piece < count)
            {
                if (await link.SendAsync(pieces.Get(piece), CancellationToken.None) != SendOutcome.Sent)
                {
                    throw new IOException($"Piece {piece} was not sent.");
                }
            }
        })).ToList();
        await Task.WhenAll(senders);
        await acked;
    }
}
