using System.Net;
using Microsoft.Extensions.Time.Testing;
using Prometheus;
using QbSync.Engine.Plans;
using QbSync.Engine.Status;
using QbSync.Host.Endpoints;
using QbSync.Host.Lifetime;
using QbSync.Host.Reporting;
using QbSync.Torrents;

namespace QbSync.Host.Tests.Reporting;

/// <summary>The HTTP surface of a role whose engine says what the test wants, on a real listener and a clock of its own. No second passes but by <see cref="Pass"/>.</summary>
internal sealed class StatusLab : IAsyncDisposable
{
    private readonly List<StatusServer> _servers = [];
    private volatile EngineStatus? _engine;

    public StatusLab(bool isSource = true)
    {
        Board = new StatusBoard(
            new StatusFacts
            {
                Mode = isSource ? "source" : "destination",
                Name = "box",
                Engine = () => _engine,
                Checks = [new ReadinessCheck("state", () => Task.FromResult(true))],
                Peers = isSource ? _ => [new PeerStatus { Address = "there:50051", Ok = true, Streams = 2 }] : null,
                Destination = isSource ? "there:50051" : null,
                MinSpace = 100,
            },
            Time);
        Events = new EventStream(Board, Time);
        Check = () => Task.FromResult(IsReady);
        var registry = Metrics.NewCustomRegistry();
        Surface = new HttpSurface(
            registry, () => true, new ReadinessChecks([new ReadinessCheck("state", () => Check())], new HostMetrics(Metrics.WithCustomRegistry(registry), isSource ? "source" : "destination"), Time), Board, Events, Actions);
    }

    public FakeTimeProvider Time { get; } = new(new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.Zero));

    public StatusBoard Board { get; }

    public EventStream Events { get; }

    public HttpSurface Surface { get; }

    public int Drains { get; private set; }

    /// <summary>What a probe runs.</summary>
    public Func<Task<bool>> Check { get; set; }

    /// <summary>What its probes are answered.</summary>
    public bool IsReady { get; set; } = true;

    /// <summary>What a reload comes to.</summary>
    public ReloadOutcome Reload { get; set; } = new([], ["rate-limit"], ["listen"]);

    /// <summary>What would be done; null while it does not run.</summary>
    public SourcePlan? Plan { get; set; } = new()
    {
        At = new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.Zero),
        IsKnown = true,
        Torrents =
        [
            new PlanLine(Id(1), "film\u202e", PlanAction.Sync, "the destination does not have it") { BytesToSend = 3 << 20 },
            new PlanLine(Id(2), "song", PlanAction.Keep, "space is not short"),
        ],
    };

    private ControlActions Actions => new()
    {
        Drain = () => ++Drains == 1,
        HandOffAsync = (id, _) => Task.FromResult(id == Id(1) ? "" : id == Id(3) ? "it has not seeded long enough" : null),
        ReloadAsync = _ => Task.FromResult(Reload),
        PlanAsync = _ => Task.FromResult(Plan),
        ExplainAsync = (id, _) => Task.FromResult(Plan is not { } plan ? null : new TorrentExplanation
        {
            At = plan.At,
            IsKnown = plan.IsKnown,
            Torrent = plan.Torrents.FirstOrDefault(line => line.Id == id),
            Conditions = [new PlanCondition(PlanTopic.Handoff, "it has seeded long enough", false, "30 min of 1 h", "min-seeding-time")],
        }),
        RetryAsync = (id, _) => Task.FromResult(id is { } known && known != Id(1) ? (int?)null : 1),
    };

    public static InfoHash Id(int number) => InfoHash.Parse($"{number:x40}");

    public static TorrentProgress Torrent(int number, string state = "Streaming", int done = 5) =>
        new() { Id = Id(number), Name = $"torrent {number}", State = state, Pieces = 10, PiecesDone = done, Bytes = 10_000, BytesMoved = done * 1000 };

    public static EngineStatus Engine(params TorrentProgress[] torrents) =>
        new() { At = default, IsStarted = true, ClientOk = true, PeerOk = true, BytesPerSecond = 1000, Torrents = torrents };

    /// <summary>What the engine says from now on; a second passes.</summary>
    public StatusDocument Show(EngineStatus? engine)
    {
        _engine = engine;
        return Pass(TimeSpan.FromSeconds(1));
    }

    /// <summary>Lets time pass, and has the board look once.</summary>
    public StatusDocument Pass(TimeSpan time)
    {
        Time.Advance(time);
        Board.Refresh();
        return Board.Current.Document;
    }

    public async Task<Uri> ListenAsync(string token = "", bool isOpen = false, params string[] hosts)
    {
        var server = await StatusServer.StartAsync(new IPEndPoint(IPAddress.Loopback, 0), Surface, new AccessRules(token, isOpen, hosts), CancellationToken.None);
        _servers.Add(server);
        return server.Address;
    }

    public async Task ListenControlAsync(string socket) => _servers.Add(await StatusServer.StartControlAsync(socket, Surface, CancellationToken.None));

    public async ValueTask DisposeAsync()
    {
        Events.Stop();
        foreach (var server in _servers)
        {
            await server.DisposeAsync();
        }

        await Board.DisposeAsync();
        Events.Dispose();
    }
}
