using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Time.Testing;
using QbSync.Testing.Specifications;

namespace QbSync.IntegrationTests;

/// <summary>A destination that is away, as the whole source sees it over sockets. The source's clock is the test's, so that ten minutes are seconds.</summary>
internal sealed class OutageTests
{
    private const string State = "qbsync_circuit_breaker_state{mode=\"source\",component=\"stream_queue\"}";
    private const string Trips = "qbsync_circuit_breaker_trips_total{mode=\"source\",component=\"stream_queue\"}";
    private static readonly TimeSpan Outage = TimeSpan.FromMinutes(10);

    // Small beside the five seconds that a greeting has, and large beside the ten minutes.
    private static readonly TimeSpan Step = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan OutageStep = TimeSpan.FromSeconds(4);

    private readonly FakeTimeProvider _time = new(TimeProvider.System.GetUtcNow());

    [Test]
    [TransportCase(37)]
    public async Task DestinationAwayForTenMinutes_IsKnockedAtNowAndThen_AndAllGoesOnWhenItIsBack()
    {
        var port = FreePorts.Take();
        await using var nodes = new TwoNodes { SourceTime = _time, Listen = $"127.0.0.1:{port}" };
        nodes.AddAtSource(new TorrentBuilder("before.bin") { Length = 500_000, PieceLength = 65536, Seed = 1 }.Build());
        await nodes.StartAsync();
        await PassUntilAsync(() => Synced(nodes) == 1, Step);

        await nodes.StopDestinationAsync();
        var after = new TorrentBuilder("after.bin") { Length = 500_000, PieceLength = 65536, Seed = 2 }.Build();
        nodes.AddAtSource(after);
        var seen = new HashSet<double>();
        int knocks;
        await using (var silent = new SilentListener(port))
        {
            var until = _time.GetUtcNow() + Outage;
            await PassUntilAsync(() => _time.GetUtcNow() >= until, OutageStep, async () => seen.Add((await TwoNodes.ScrapeAsync(nodes.Source.Registry)).Sum(State)));

            // A greeting that nobody answers is on its way, or the next one waits for its time.
            Assert.That(seen, Does.Contain(1).And.Contain(2));
            var scrape = await TwoNodes.ScrapeAsync(nodes.Source.Registry);
            Assert.That((scrape.Sum(State) > 0, scrape.Sum(Trips) > 0), Is.EqualTo((true, true)));
            knocks = silent.Connections;
        }

        Assert.That(knocks, Is.InRange(1, Outage / TimeSpan.FromSeconds(5)), "one greeting at a time, each with its five seconds, and pauses between them");
        await nodes.StartDestinationAsync();
        await PassUntilAsync(() => Synced(nodes) == 2, Step);
        Assert.That((await TwoNodes.ScrapeAsync(nodes.Source.Registry)).Sum(State), Is.Zero);
        Assert.That(after.FindDifference(nodes.DestinationData), Is.Null);

        await nodes.SignalSourceAsync();
        var ending = nodes.SourceEndedAsync();
        await PassUntilAsync(() => ending.IsCompleted, Step);
        await ending;
    }

    private static int Synced(TwoNodes nodes) => nodes.Source.Status?.Torrents.Count(static torrent => torrent.FinishedAt is not null) ?? 0;

    /// <summary>A step a look, and only while nobody works here: neither a slow machine nor a thread that stands still loses time that others see pass.</summary>
    private Task PassUntilAsync(Func<bool> condition, TimeSpan step, Func<Task>? look = null) => Eventually.BecomesTrueAsync(async () =>
    {
        var before = _time.GetUtcNow();
        await VirtualTime.PassUntilAsync(_time, () => _time.GetUtcNow() > before, _ => step, static () => { }, static () => "a step");
        await (look?.Invoke() ?? Task.CompletedTask);
        return condition();
    });

    /// <summary>Takes connections and says nothing.</summary>
    private sealed class SilentListener : IAsyncDisposable
    {
        private readonly TcpListener _listener;
        private readonly Task _accepting;
        private readonly List<Socket> _sockets = [];
        private int _connections;

        public SilentListener(int port)
        {
            _listener = new TcpListener(IPAddress.Loopback, port);
            _listener.Start();
            _accepting = AcceptAsync();
        }

        public int Connections => Volatile.Read(ref _connections);

        public async ValueTask DisposeAsync()
        {
            _listener.Stop();
            await _accepting;
            _sockets.ForEach(static socket => socket.Dispose());
        }

        private async Task AcceptAsync()
        {
            try
            {
                while (true)
                {
                    _sockets.Add(await _listener.AcceptSocketAsync());
                    Interlocked.Increment(ref _connections);
                }
            }
            catch (Exception e) when (e is SocketException or InvalidOperationException)
            {
                // The test ends.
            }
        }
    }
}
