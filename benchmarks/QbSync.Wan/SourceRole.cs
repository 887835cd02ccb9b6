using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using System.Reflection;
using System.Text;
using Microsoft.Extensions.Logging;
using Prometheus;
using QbSync.Outcomes;
using QbSync.Pieces;
using QbSync.Ports;
using QbSync.Torrents;
using QbSync.Transport;

namespace QbSync.Wan;

/// <summary>The client side of the transport with pieces from memory, as many senders as the engine has, and a small call each second.</summary>
internal sealed class SourceRole : IPieceLinkSink
{
    public const string Verb = "source";
    private const int Senders = 4;
    private static readonly Caller Caller = new(new Guid("6f1c2a0e-52a9-4c0f-9d5b-1f2e3d4c5b6a"), "wan");

    private readonly CollectorRegistry _registry = Metrics.NewCustomRegistry();
    private readonly List<double> _calls = [];
    private int _failures;
    private int _next;

    /// <param name="arguments">Length of a piece, then name and value of each option of the transport.</param>
    public static Task RunAsync(string[] arguments) => new SourceRole().RunAsync(int.Parse(arguments[0], CultureInfo.InvariantCulture), arguments[1..]);

    public void OnAck(in PieceAck ack)
    {
        if (!ack.Status.IsSuccess())
        {
            Interlocked.Increment(ref _failures);
        }
    }

    public void OnLost(PieceRef piece, long attempt, PieceLossCause cause) => Interlocked.Increment(ref _failures);

    public void OnLinkChanged(bool connected)
    {
    }

    private async Task RunAsync(int pieceLength, string[] settings)
    {
        using var loggers = LoggerFactory.Create(static logging =>
            logging.AddConsole(static console => console.LogToStandardErrorThreshold = LogLevel.Trace).SetMinimumLevel(LogLevel.Warning));
        await using var destination = new RemoteDestination(
            Read(settings), Metrics.WithCustomRegistry(_registry), _registry, loggers, TimeProvider.System, new Random(1));
        await using var link = destination.OpenLink(Caller, this);
        using var stop = new CancellationTokenSource();
        var sending = SendAsync(link, pieceLength, stop.Token);
        var calling = CallAsync(destination, stop.Token);
        await RoleProcess.ServeAsync(Look);

        // The run is over: what is on its way does not matter, and nothing waits for it.
        Environment.Exit(sending.IsFaulted || calling.IsFaulted ? 1 : 0);
    }

    private static TransportClientOptions Read(string[] settings)
    {
        var options = new TransportClientOptions { Security = DestinationRole.Insecure };
        foreach (var pair in settings.Chunk(2))
        {
            object target = options;
            var names = pair[0].Split('.');
            foreach (var name in names[..^1])
            {
                target = Property(target, name).GetValue(target)!;
            }

            var property = Property(target, names[^1]);
            property.SetValue(target, TypeDescriptor.GetConverter(property.PropertyType).ConvertFromInvariantString(pair[1]));
        }

        return options;
    }

    private static PropertyInfo Property(object target, string name) =>
        target.GetType().GetProperty(name) ?? throw new ArgumentException($"{target.GetType().Name} has no option {name}.");

    /// <summary>Keeps as many senders as the engine would: four, or one for each stream.</summary>
    private async Task SendAsync(IPieceLink link, int pieceLength, CancellationToken cancellationToken)
    {
        List<Task> senders = [];
        using var look = new PeriodicTimer(TimeSpan.FromMilliseconds(50));
        do
        {
            while (senders.Count < Math.Max(Senders, link.OpenStreams))
            {
                senders.Add(Task.Run(() => SendAllAsync(link, pieceLength, cancellationToken), cancellationToken));
            }
        }
        while (await look.WaitForNextTickAsync(cancellationToken));
    }

    private async Task SendAllAsync(IPieceLink link, int pieceLength, CancellationToken cancellationToken)
    {
        while (!cancellationToken.IsCancellationRequested)
        {
            var number = Interlocked.Increment(ref _next);
            await link.SendAsync(new MemoryPiece(number, number, pieceLength), cancellationToken);
        }
    }

    private async Task CallAsync(RemoteDestination destination, CancellationToken cancellationToken)
    {
        var request = new StatusRequest([InfoHash.Parse("0123456789abcdef0123456789abcdef01234567")], WithBitmaps: false);
        using var second = new PeriodicTimer(TimeSpan.FromSeconds(1));
        while (await second.WaitForNextTickAsync(cancellationToken))
        {
            var began = Stopwatch.GetTimestamp();
            try
            {
                await destination.GetStatusAsync(Caller, request, cancellationToken);
            }
            catch (QbSyncException)
            {
                Interlocked.Increment(ref _failures);
            }

            lock (_calls)
            {
                _calls.Add(Stopwatch.GetElapsedTime(began).TotalSeconds);
            }
        }
    }

    private Look Look()
    {
        using var text = new MemoryStream();
        _registry.CollectAndExportAsTextAsync(text).GetAwaiter().GetResult();
        var lines = Encoding.UTF8.GetString(text.ToArray()).Split('\n');
        double[] calls;
        lock (_calls)
        {
            calls = [.. _calls.Order()];
            _calls.Clear();
        }

        return new Look
        {
            Streams = Sum("qbsync_stream_pool_size"),
            Connections = Sum("qbsync_grpc_connections_active"),
            WindowBytes = Sum("qbsync_adaptive_window_bytes"),
            ResentBytes = Sum("qbsync_bytes_resent_total"),
            CallSeconds = calls.ElementAtOrDefault(calls.Length / 2),
            WorstCallSeconds = calls.LastOrDefault(),
            Failures = Volatile.Read(ref _failures),
        };

        double Sum(string family) => lines
            .Where(line => line.StartsWith(family, StringComparison.Ordinal) && line.Length > family.Length && line[family.Length] is ' ' or '{')
            .Sum(static line => double.Parse(line[(line.LastIndexOf(' ') + 1)..], CultureInfo.InvariantCulture));
    }
}
