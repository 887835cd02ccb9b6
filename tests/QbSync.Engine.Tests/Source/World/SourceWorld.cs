using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;
using Prometheus;
using QbSync.Engine.Source.Records;
using QbSync.Engine.Status;
using QbSync.Ports;
using QbSync.Testing.Destinations;
using QbSync.Testing.Logging;
using QbSync.Testing.Metrics;
using QbSync.Testing.Torrents;
using QbSync.Testing.Waiting;
using QbSync.Torrents;

namespace QbSync.Engine.Tests.Source.World;

/// <summary>A source engine on virtual time, with a client, a disk and a destination in memory. Its engine can be stopped and begun again.</summary>
internal sealed partial class SourceWorld : IAsyncDisposable
{
    private readonly CancellationTokenSource _testEnds = new();
    private CancellationTokenSource? _stop;
    private CancellationTokenSource? _hurry;
    private Task _running = Task.CompletedTask;

    /// <param name="time">The clock, when somebody else has the same.</param>
    public SourceWorld(FakeTimeProvider? time = null)
    {
        Time = time ?? new FakeTimeProvider(new DateTimeOffset(2026, 3, 1, 12, 0, 0, TimeSpan.Zero));
        Client = new ScriptedClient(Time);
        Destination = new MemoryDestination(Time);
        Destination.Pace.Time = Time;
    }

    public FakeTimeProvider Time { get; }

    public ScriptedClient Client { get; }

    public MemoryDestination Destination { get; }

    /// <summary>What cleanup sees of the disk.</summary>
    public MemoryDisk Disk { get; } = new();

    /// <summary>Reads the content; the client itself when null.</summary>
    public IPieceReader? Reader { get; set; }

    public MemoryRecords Records { get; } = new();

    public LogErrorGuard Log { get; } = new();

    /// <summary>What crossed; verified at the end of every test.</summary>
    public SendLedger Ledger { get; } = new();

    public SourceOptions Options { get; } = new()
    {
        Data = "/data",
        ExcludeSyncTag = "no-sync",
        CallTimeout = TimeSpan.FromHours(1),
        Name = "test",
        MinSpace = 0,
    };

    public CollectorRegistry Registry { get; private set; } = new();

    public SourceEngine Engine { get; private set; } = null!;

    public static BuiltTorrent Torrent(string name, int pieces = 8, int seed = 1) =>
        new TorrentBuilder(name) { Length = (pieces * 16384L) - 5, PieceLength = 16384, Seed = seed }.Build();

    /// <summary>What the engine has told, of all its lives.</summary>
    public ConcurrentQueue<EngineEvent> Events { get; } = [];

    /// <summary>What the engine is given as its destination in the place of <see cref="Destination"/>.</summary>
    public IDestination? Wire { get; set; }

    /// <summary>Told of each call to the client before it goes on; what it throws is what the engine gets.</summary>
    public Action<string, object?[]>? ClientTap { get; set; }

    /// <summary>The same for the records.</summary>
    public Action<string, object?[]>? RecordsTap { get; set; }

    public void Start() => Start(Log, ClientTap, RecordsTap, null);

    private void Start(
        Microsoft.Extensions.Logging.ILoggerFactory log,
        Action<string, object?[]>? clientTap,
        Action<string, object?[]>? recordsTap,
        Action<string, object?[]>? destinationTap)
    {
        _stop = CancellationTokenSource.CreateLinkedTokenSource(_testEnds.Token);
        Registry = Prometheus.Metrics.NewCustomRegistry();
        Engine = new SourceEngine(
            Options,
            Tapped<ITorrentClient>.Wrap(Client, clientTap),
            Tapped<IDestination>.Wrap(Ledger.Watch(Wire ?? Destination), destinationTap),
            Reader ?? Client,
            Disk,
            Tapped<IDurableRecords>.Wrap(Records, recordsTap),
            Prometheus.Metrics.WithCustomRegistry(Registry),
            Registry,
            log,
            Time,
            new Random(1));
        Engine.Happened += Events.Enqueue;
        _hurry?.Dispose();
        _hurry = new CancellationTokenSource();
        _running = Task.Run(() => Engine.RunAsync(_stop.Token, _hurry.Token));
    }

    /// <summary>The first signal, without what a drain does before it.</summary>
    public Task SignalAsync() => _stop!.CancelAsync();

    /// <summary>The second signal.</summary>
    public Task SignalAgainAsync() => _hurry!.CancelAsync();

    /// <summary>Whether the engine has ended.</summary>
    public bool HasEnded => _running.IsCompleted;

    /// <summary>Begins a drain, as the host does after a first signal.</summary>
    public Task<DrainReport?> DrainAsync()
    {
        Engine.Leave();
        return Engine.DrainAsync(_hurry!.Token);
    }

    public async Task<T> PassUntilEndedAsync<T>(Task<T> task)
    {
        await PassUntilAsync(() => task.IsCompleted);
        return await task;
    }

    public async Task StopAsync()
    {
        await _stop!.CancelAsync();
        await PassUntilAsync(() => _running.IsCompleted);
        await _running;
    }

    public TorrentProgress? Progress(InfoHash id) => Engine.Status.Torrents.FirstOrDefault(torrent => torrent.Id == id);

    public ScriptedTorrent Find(BuiltTorrent torrent) => Client.Find(torrent);

    public string StateOf(InfoHash id) => Progress(id)?.State ?? "";

    /// <summary>The durable record of a torrent; null when there is none.</summary>
    public async Task<TorrentRecord?> RecordOfAsync(InfoHash id) =>
        (await new RecordStore(Records, Log.CreateLogger<RecordStore>()).LoadAsync(default)).FirstOrDefault(record => record.Id == id.ToString());

    public bool IsSynced(ScriptedTorrent torrent) => StateOf(torrent.Torrent.Id) == "Synced";

    /// <summary>Lets virtual time pass in small steps until the condition holds; bounded in real time.</summary>
    public Task PassUntilAsync(Func<bool> condition, [System.Runtime.CompilerServices.CallerArgumentExpression(nameof(condition))] string what = "") =>
        VirtualTime.PassUntilAsync(Time, condition, GrowingStep, ThrowIfFaulted, () => Describe(what));

    /// <summary>Fine steps while things happen, coarse ones while a long pause has to pass.</summary>
    private static TimeSpan GrowingStep(int steps) => TimeSpan.FromMilliseconds(50 << Math.Min(steps / 100, 5));

    /// <summary>Lets that much virtual time pass, in steps that let work be done in between.</summary>
    public Task PassAsync(TimeSpan time) => PassAsync(time, time > TimeSpan.FromSeconds(5) ? time / 100 : TimeSpan.FromMilliseconds(50));

    /// <summary>Lets that much virtual time pass in such steps, all alike: for what is measured in virtual time.</summary>
    public Task PassAsync(TimeSpan time, TimeSpan step)
    {
        var end = Time.GetUtcNow() + time;
        return VirtualTime.PassUntilAsync(Time, () => Time.GetUtcNow() >= end, _ => step, ThrowIfFaulted, () => "time passes");
    }

    /// <summary>Lets virtual time pass in steps that are all alike until the condition holds: for what is measured in virtual time.</summary>
    public Task PassUntilAsync(
        Func<bool> condition, TimeSpan step, [System.Runtime.CompilerServices.CallerArgumentExpression(nameof(condition))] string what = "") =>
        VirtualTime.PassUntilAsync(Time, condition, _ => step, ThrowIfFaulted, () => Describe(what));

    private void ThrowIfFaulted()
    {
        if (_running.IsFaulted)
        {
            _running.GetAwaiter().GetResult();
        }
    }

    private string Describe(string what)
    {
        var torrents = Engine.Status.Torrents.Select(static torrent =>
            $"{torrent.Name} {torrent.State} {torrent.PiecesDone}/{torrent.Pieces} {torrent.WaitingFor} {torrent.Reason}");
        return $"{what}. {string.Join("; ", torrents.Take(20))}";
    }

    public async Task<Exposition> ReadMetricsAsync() => Exposition.Parse(await ScrapeAsync());

    public async Task<string> ScrapeAsync()
    {
        using var text = new MemoryStream();
        await MovedSeries.CollectAsync(Registry, text);
        return System.Text.Encoding.UTF8.GetString(text.ToArray());
    }

    public async ValueTask DisposeAsync()
    {
        await _testEnds.CancelAsync();
        if (Engine is not null)
        {
            await PassUntilAsync(() => _running.IsCompleted);
            await Engine.DisposeAsync();
            MetricLaws.Verify(await ScrapeAsync());
        }

        _stop?.Dispose();
        _hurry?.Dispose();
        _testEnds.Dispose();
        Ledger.Verify();
        Log.Verify();
    }
}
