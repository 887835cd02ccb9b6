using System.Collections.Concurrent;
using System.Globalization;
using Prometheus;
using QbSync.Ports;
using QbSync.Testing.Logging;
using QbSync.Testing.Metrics;
using QbSync.Testing.Waiting;
using QbSync.Transport.Client.Sending;
using QbSync.Transport.Tests.Client;

namespace QbSync.Transport.Tests.EndToEnd;

/// <summary>A real server and a real link over TCP on loopback, and what a test asks of them. Ends what it began, in the reverse order.</summary>
internal sealed class LinkRig : IAsyncDisposable
{
    public static readonly Caller Caller = new(new Guid("6f1c2a0e-52a9-4c0f-9d5b-1f2e3d4c5b6a"), "test");

    private readonly List<IAsyncDisposable> _open = [];
    private readonly CollectorRegistry _registry = Prometheus.Metrics.NewCustomRegistry();
    private volatile bool _isOver;

    public LogErrorGuard Log { get; } = new();

    public RecordingSink Sink { get; } = new();

    /// <summary>The source's clock; the way and the server have the real one.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;

    public RemoteDestination Destination { get; private set; } = null!;

    public PieceLink Link { get; private set; } = null!;

    public async Task<PieceServer> StartAsync(TestIntake intake, int port = 0, Action<TransportServerOptions>? configure = null)
    {
        var server = await PieceServer.StartAsync(intake, Log, port, configure);
        return Own(server);
    }

    public T Own<T>(T part)
        where T : IAsyncDisposable
    {
        _open.Add(part);
        return part;
    }

    /// <summary>Closes a part before the test's end.</summary>
    public async Task CloseAsync(IAsyncDisposable part)
    {
        _open.Remove(part);
        await part.DisposeAsync().DefaultTimeout();
    }

    /// <param name="configure">Sets options within their ranges.</param>
    /// <param name="beyond">Sets options after they were checked, so that a test need not wait as long as a user would.</param>
    public void Open(int port, Action<TransportClientOptions>? configure = null, Action<TransportClientOptions>? beyond = null)
    {
        var options = new TransportClientOptions
        {
            Address = $"127.0.0.1:{port.ToString(CultureInfo.InvariantCulture)}",
            ReconnectMaxDelay = TimeSpan.FromSeconds(1),
            Security = new() { Mode = SecurityMode.Insecure },

            // An experiment on a busy machine would change what tests count; those about experiments ask for them.
            Scaling = false,
        };
        configure?.Invoke(options);
        Destination = Own(new RemoteDestination(
            options, Prometheus.Metrics.WithCustomRegistry(_registry), _registry, Log, Time, new Random(1)));
        beyond?.Invoke(options);
        Link = Own((PieceLink)Destination.OpenLink(Caller, Sink));
    }

    /// <summary>Sends with so many senders until all have been handed over.</summary>
    public async Task<List<SendOutcome>> SendAsync(IEnumerable<TestSource> sources, int senders = 1)
    {
        var queue = new ConcurrentQueue<TestSource>(sources);
        var outcomes = new ConcurrentQueue<SendOutcome>();
        await Task.WhenAll(Enumerable.Range(0, senders).Select(_ => Task.Run(async () =>
        {
            while (queue.TryDequeue(out var source))
            {
                outcomes.Enqueue(await Link.SendAsync(source, CancellationToken.None));
            }
        })));
        return [.. outcomes];
    }

    /// <summary>Sends new pieces with so many senders until <paramref name="enough"/>.</summary>
    public async Task SendUntilAsync(Func<bool> enough, int length, int senders)
    {
        var index = 0;
        await Task.WhenAll(Enumerable.Range(0, senders).Select(_ => Task.Run(async () =>
        {
            while (!enough() && !_isOver)
            {
                await Link.SendAsync(new TestSource(Interlocked.Increment(ref index), length), CancellationToken.None);
            }
        })));
    }

    /// <summary>Sum of a family's series, or the value of one, as they are scraped.</summary>
    public async Task<double> SumAsync(string series) => (await SeriesAsync(series)).Sum(static line => line.Value);

    /// <summary>The series of a family, or one, as they are scraped.</summary>
    public async Task<IReadOnlyList<(string Series, double Value)>> SeriesAsync(string series)
    {
        using var text = new MemoryStream();
        await MovedSeries.CollectAsync(_registry, text);
        return
        [
            .. System.Text.Encoding.UTF8.GetString(text.ToArray()).Split('\n')
                .Where(line => line.StartsWith(series + " ", StringComparison.Ordinal) || line.StartsWith(series + "{", StringComparison.Ordinal))
                .Select(line => (line[..line.LastIndexOf(' ')], double.Parse(line[(line.LastIndexOf(' ') + 1)..], CultureInfo.InvariantCulture))),
        ];
    }

    /// <summary>Ends senders first, also those of a test that failed: on a closed link they would go round at full speed beside the tests after it.</summary>
    public async ValueTask DisposeAsync()
    {
        _isOver = true;
        for (var i = _open.Count - 1; i >= 0; i--)
        {
            await _open[i].DisposeAsync().DefaultTimeout();
        }

        await MetricLaws.VerifyAsync(_registry);

        // Where a sink held its stream up to the end of its patience, that one ends a moment later.
        await Eventually.BecomesTrueAsync(async () => await SumAsync("qbsync_receive_acks_exit_total") == Log.Entries.Count(static entry => entry.Id.Id == TransportEventIds.PieceStreamOpened));
        Log.Verify();
        Log.Dispose();
    }
}
