using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using QbSync.Engine.Shared;
using QbSync.Engine.Source.Peers;
using QbSync.Engine.Tests.Source.World;
using QbSync.Ports;
using QbSync.Testing.Specifications;
using QbSync.Testing.Waiting;

namespace QbSync.Engine.Tests.Source;

[TestFixture]
internal sealed class SourcePeerGateTests
{
    private const string State = "qbsync_circuit_breaker_state{mode=\"source\",component=\"stream_queue\"}";
    private const string Trips = "qbsync_circuit_breaker_trips_total{mode=\"source\",component=\"stream_queue\"}";

    [Test]
    [TransportCase(37)]
    public async Task DestinationDownForTenMinutes_OneKnocker_GaugeOpenHalfOpenClosed()
    {
        await using var world = new SourceWorld();
        var torrent = world.Client.Add(SourceWorld.Torrent("film", pieces: 10), complete: false);
        world.Client.Change(() => torrent.Has.Set(0));
        world.Start();
        await world.PassUntilAsync(() => world.Progress(torrent.Torrent.Id)?.PiecesDone == 1);
        var link = world.Destination.Link!;

        world.Destination.SetDown(true);
        await world.PassUntilAsync(() => !link.MayDial);
        var calls = world.Destination.Calls.Count;
        await world.PassAsync(TimeSpan.FromMinutes(10));
        Assert.That(await world.ScrapeAsync(), Does.Contain($"{State} 1"));
        var knocks = world.Destination.Calls.Skip(calls).ToArray();
        Assert.That(knocks, Is.All.EqualTo("Hello"), "nothing else calls");
        Assert.That(knocks, Has.Length.InRange(10, 150), "full jitter up to 30 s");
        Assert.That(link.MayDial, Is.False);

        var held = new TaskCompletionSource();
        world.Destination.HelloGate = held.Task;
        world.Destination.SetDown(false);
        calls = world.Destination.Calls.Count;
        await world.PassUntilAsync(() => world.Destination.Calls.Count > calls);
        Assert.That(await world.ScrapeAsync(), Does.Contain($"{State} 2"), "one greeting is under way");
        Assert.That(link.MayDial, Is.False);
        held.SetResult();
        await world.PassUntilAsync(() => link.MayDial);
        Assert.That(await world.ScrapeAsync(), Does.Contain($"{State} 0"));
        world.Client.Change(() => torrent.Has.SetAll());
        await world.PassUntilAsync(() => world.IsSynced(torrent));
    }

    /// <summary>Why listening ended is told as it was, and not what came of leaving it.</summary>
    [Test]
    public async Task Watch_ThatEnds_TellsWhy()
    {
        await using var world = new SourceWorld();
        world.Start();
        await world.PassUntilAsync(() => world.Destination.Count("Watch") >= 2);
        world.Destination.CutWatches(static () => { });
        await world.PassUntilAsync(() => Ends().Any(static said => said.EndsWith("was cut.", StringComparison.Ordinal)));
        Assert.That(Ends().Distinct(), Is.EquivalentTo(new[]
        {
            "Listening to the destination ended: nothing came for 30 s.", "Listening to the destination ended: The watch was cut.",
        }));

        IEnumerable<string> Ends() => world.Log.Entries.Where(static entry => entry.Id.Name == "WatchEnded").Select(static entry => entry.Message);
    }

    [Test]
    [TransportCase(37)]
    [SourceCase(57)]
    public async Task TwentyCutsInTenHours_EachBackAtOnce_NeverOpen()
    {
        await using var world = new SourceWorld();
        var torrent = world.Client.Add(SourceWorld.Torrent("film"));
        world.Start();
        await world.PassUntilAsync(() => world.IsSynced(torrent));
        for (var cut = 0; cut < 20; cut++)
        {
            await world.PassAsync(TimeSpan.FromMinutes(30));
            world.Destination.SetDown(true);
            world.Destination.SetDown(false);
        }

        await world.PassAsync(TimeSpan.FromMinutes(1));
        Assert.That(await world.ScrapeAsync(), Does.Contain($"{Trips} 0").And.Contain($"{State} 0"));
    }

    [Test]
    [TransportCase(37)]
    public async Task Watcher_GateOpensAfterTheGreetingAndBeforeItListens_GreetsAgainAndListensBehindAClosedGateOnly()
    {
        var time = new FakeTimeProvider();
        var clock = new MonotonicClock(time);
        var registry = Prometheus.Metrics.NewCustomRegistry();
        var destination = new MemoryDestination(time);
        List<int> watches = [];
        PeerWatcher watcher = null!;
        watcher = new PeerWatcher(
            destination,
            new Caller(Guid.NewGuid(), "source"),
            new SourceOptions(),
            clock,
            new Chance(new Random(1)),
            new EngineMetrics(Prometheus.Metrics.WithCustomRegistry(registry), registry, "source", new SeriesLimits(), NullLoggerFactory.Instance),
            TakeAsync,
            NullLogger<PeerWatcher>.Instance);
        using var stop = new CancellationTokenSource();
        var running = Task.Run(() => watcher.RunAsync(stop.Token));

        await VirtualTime.PassUntilAsync(
            time, () => destination.Count("Watch") > 0, static _ => TimeSpan.FromMilliseconds(100), static () => { }, static () => "it listens");

        Assert.That(watches, Is.EqualTo(new[] { 0, 0 }), "who listened behind the open gate would never probe");
        Assert.That(watcher.State, Is.EqualTo(PeerGateState.Closed));
        await stop.CancelAsync();
        await running.DefaultTimeout();

        ValueTask TakeAsync(PeerEvent news, CancellationToken cancellationToken)
        {
            if (news is PeerEvent.Up)
            {
                watches.Add(destination.Count("Watch"));
                for (var failure = 0; watches.Count == 1 && failure < 3; failure++)
                {
                    watcher.Failed(clock.Now);
                }
            }

            return ValueTask.CompletedTask;
        }
    }

    [Test]
    public void Gate_AllThatOneCutEnds_IsOneFailure()
    {
        var gate = new PeerGate(TimeSpan.FromSeconds(30));
        gate.LinkUp(default);
        for (var call = 0; call < 50; call++)
        {
            Assert.That(gate.Failed(TimeSpan.FromSeconds(9), TimeSpan.FromSeconds(5), 1), Is.False);
        }

        Assert.That(gate.LinkLost(TimeSpan.FromSeconds(10), 1), Is.False, "the link was there before the first of them");
        Assert.That(gate.Failed(TimeSpan.FromSeconds(11), TimeSpan.FromSeconds(10), 1), Is.False);
        Assert.That(gate.Failed(TimeSpan.FromSeconds(12), TimeSpan.FromSeconds(11), 1), Is.True, "the third that began after the one before");
    }

    [Test]
    public void Gate_MinuteOfAHealthyLink_MakesFailuresOld()
    {
        var gate = new PeerGate(TimeSpan.FromSeconds(30));
        gate.LinkUp(default);
        for (var minute = 1; minute < 100; minute++)
        {
            Assert.That(gate.Failed(TimeSpan.FromMinutes(minute), TimeSpan.FromMinutes(minute), 1), Is.False);
        }
    }

    [Test]
    public void Gate_HalfOpen_OnlyTheProbeCounts()
    {
        var gate = new PeerGate(TimeSpan.FromSeconds(30));
        for (var second = 0; second < 3; second++)
        {
            gate.Failed(TimeSpan.FromSeconds(second), TimeSpan.FromSeconds(second), 1);
        }

        gate.BeginProbe();
        Assert.That(gate.Failed(TimeSpan.FromSeconds(9), TimeSpan.FromSeconds(1), 1), Is.False, "a call of before");
        Assert.That(gate.State, Is.EqualTo(PeerGateState.HalfOpen));
        Assert.That(gate.Failed(TimeSpan.FromSeconds(9), TimeSpan.FromSeconds(4), 1), Is.True);
        Assert.That(gate.State, Is.EqualTo(PeerGateState.Open));
    }
}
