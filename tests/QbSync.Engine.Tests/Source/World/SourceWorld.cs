using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;
using Prometheus;
using QbSync.Engine.Source.Records;
using QbSync.Engine.Status;
using QbSync.Ports;
using QbSync.Testing.Logging;
using QbSync.Testing.Torrents;
using QbSync.Torrents;

namespace QbSync.Engine.Tests.Source.World;

/// <summary>A source engine on virtual time, with a client, a disk and a destination in memory. Its engine can be stopped and begun again.</summary>
internal sealed class SourceWorld : IAsyncDisposable
{
    private readonly CancellationTokenSource _testEnds = new();
    private CancellationTokenSource? _stop;
    private Task _running = Task.CompletedTask;

    public SourceWorld()
    {
        Client = new ScriptedClient(Time);
        Destination = new MemoryDestination(Time);
    }

    public FakeTimeProvider Time { get; } = new(new DateTimeOffset(2026, 3, 1, 12, 0, 0, TimeSpan.Zero));

    public ScriptedClient Client { get; }

    public MemoryDestination Destination { get; }

    /// <summary>What cleanup sees of the disk.</summary>
    public MemoryDisk Disk { get; } = new();

    /// <summary>Reads the content; the client itself when null.</summary>
    public IPieceReader? Reader { get; set; }

    public MemoryRecords Records { get; } = new();

    public LogErrorGuard Log { get; } = new();

    public SourceOptions Options { get; } = new() { Data = "/data", ExcludeSyncTag = "no-sync", CallTimeout = TimeSpan.FromHours(1), Name = "test", MinSpace = 0 };

    public CollectorRegistry Registry { get; private set; } = new();

    public SourceEngine Engine { get; private set; } = null!;

    public static BuiltTorrent Torrent(string name, int pieces = 8, int seed = 1) =>
        new TorrentBuilder(name) { Length = (pieces * 16384L) - 5, PieceLength = 16384, Seed = seed }.Build();

    public void Start()
    {
        _stop = CancellationTokenSource.CreateLinkedTokenSource(_testEnds.Token);
        Registry = Prometheus.Metrics.NewCustomRegistry();
        Engine = new SourceEngine(
            Options, Client, Destination, Reader ?? Client, Disk, Records, Prometheus.Metrics.WithCustomRegistry(Registry), Registry, Log, Time, new Random(1));
        _running = Task.Run(() => Engine.RunAsync(_stop.Token));
    }

    public async Task StopAsync()
    {
        await _stop!.CancelAsync();
        await PassUntilAsync(() => _running.IsCompleted);
        await _running;
    }

    public TorrentProgress? Progress(InfoHash id) => Engine.Status.Torrents.FirstOrDefault(torrent => torrent.Id == id);

    public string StateOf(InfoHash id) => Progress(id)?.State ?? "";

    /// <summary>The durable record of a torrent; null when there is none.</summary>
    public async Task<TorrentRecord?> RecordOfAsync(InfoHash id) =>
        (await new RecordStore(Records, Log.CreateLogger<RecordStore>()).LoadAsync(default)).FirstOrDefault(record => record.Id == id.ToString());

    public bool IsSynced(ScriptedTorrent torrent) => StateOf(torrent.Torrent.Id) == "Synced";

    /// <summary>Lets virtual time pass in small steps until the condition holds; bounded in real time.</summary>
    public Task PassUntilAsync(Func<bool> condition, [System.Runtime.CompilerServices.CallerArgumentExpression(nameof(condition))] string what = "") =>
        PassUntilAsync(condition, TimeSpan.FromMilliseconds(50), what);

    /// <summary>Lets that much virtual time pass, in steps that let work be done in between.</summary>
    public async Task PassAsync(TimeSpan time)
    {
        var end = Time.GetUtcNow() + time;
        await PassUntilAsync(() => Time.GetUtcNow() >= end, time > TimeSpan.FromSeconds(5) ? time / 100 : TimeSpan.FromMilliseconds(50), "time passes");
    }

    private async Task PassUntilAsync(Func<bool> condition, TimeSpan step, string what)
    {
        var began = TimeProvider.System.GetTimestamp();
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(2));
        var steps = 0;
        while (!condition())
        {
            if (_running.IsFaulted)
            {
                await _running;
            }

            if (TimeProvider.System.GetElapsedTime(began) > TimeSpan.FromSeconds(30))
            {
                throw new TimeoutException(
                    $"Not true: {what}. {string.Join("; ", Engine.Status.Torrents.Select(torrent => $"{torrent.Name} {torrent.State} {torrent.PiecesDone}/{torrent.Pieces} {torrent.WaitingFor} {torrent.Reason}"))}");
            }

            Time.Advance(step);
            // Fine steps while things happen, coarse ones while a long pause has to pass.
            step = ++steps % 100 == 0 && step < TimeSpan.FromSeconds(1) ? step * 2 : step;
            await timer.WaitForNextTickAsync();
        }
    }

    public async Task<string> ScrapeAsync()
    {
        using var text = new MemoryStream();
        await Registry.CollectAndExportAsTextAsync(text);
        return System.Text.Encoding.UTF8.GetString(text.ToArray());
    }

    public async ValueTask DisposeAsync()
    {
        await _testEnds.CancelAsync();
        if (Engine is not null)
        {
            await PassUntilAsync(() => _running.IsCompleted);
            await Engine.DisposeAsync();
        }

        _stop?.Dispose();
        _testEnds.Dispose();
        Log.Verify();
    }
}
