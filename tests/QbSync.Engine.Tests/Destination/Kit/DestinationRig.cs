using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using Microsoft.Extensions.Time.Testing;
using Prometheus;
using QbSync.Engine.Destination;
using QbSync.Engine.Status;
using QbSync.Outcomes;
using QbSync.Pieces;
using QbSync.Ports;
using QbSync.Storage;
using QbSync.Storage.Pieces;
using QbSync.Testing.Logging;
using QbSync.Testing.Metrics;
using QbSync.Testing.Torrents;
using QbSync.Testing.Waiting;
using QbSync.Torrents;

namespace QbSync.Engine.Tests.Destination.Kit;

/// <summary>A destination engine over the real store and a scripted client, in virtual time. Folders and client survive its restarts.</summary>
internal sealed class DestinationRig : IAsyncDisposable
{
    /// <summary>Event id of what the store logs when a read-back finds bad pieces.</summary>
    public const int ReadBackFailed = 2025;

    /// <summary>Event id of what the store logs when a file of others stands at a final name.</summary>
    public const int PublishRefused = 2027;

    private CancellationTokenSource _stop = new();
    private Task _run = Task.CompletedTask;

    /// <param name="withClient">Whether it has a client.</param>
    /// <param name="configure">Changes the options.</param>
    /// <param name="time">The clock, when somebody else has the same.</param>
    public DestinationRig(bool withClient = true, Action<DestinationOptions>? configure = null, FakeTimeProvider? time = null)
    {
        Time = time ?? new FakeTimeProvider(new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero));
        Client = new ScriptedClient(Disk, Time);
        HasClient = withClient;
        configure?.Invoke(Options);
        Start();
    }

    public static Caller Source { get; } = new(new Guid("00000000-0000-0000-0000-000000000001"), "source");

    public static Caller Other { get; } = new(new Guid("00000000-0000-0000-0000-000000000002"), "other");

    public FakeTimeProvider Time { get; }

    /// <summary>How far the clock goes at a time.</summary>
    public TimeSpan Step { get; set; } = TimeSpan.FromMilliseconds(100);

    public RigDisk Disk { get; } = new();

    public ScriptedClient Client { get; }

    public bool HasClient { get; }

    public LogErrorGuard Logs { get; } = new();

    public DestinationOptions Options { get; } = new() { SavePath = "/data", DataRoot = "/data" };

    public GatedStore Store { get; private set; } = null!;

    public DestinationEngine Engine { get; private set; } = null!;

    public CollectorRegistry Registry { get; private set; } = null!;

    public GatedStorage Storage => Store.Open[^1];

    /// <summary>What the engine has told, of all its lives.</summary>
    public ConcurrentQueue<EngineEvent> Events { get; } = [];

    /// <summary>Starts an engine; after <see cref="StopAsync"/> it finds what the one before left.</summary>
    public void Start()
    {
        _stop = new CancellationTokenSource();
        Registry = Prometheus.Metrics.NewCustomRegistry();
        Store = MakeStore();
        Engine = new DestinationEngine(
            Options, Store, HasClient ? Client : null, Prometheus.Metrics.WithCustomRegistry(Registry), Registry, Logs, Time, new Random(1));
        Engine.Happened += Events.Enqueue;
        _run = Engine.RunAsync(_stop.Token);
    }

    public async Task StopAsync()
    {
        await _stop.CancelAsync();
        await DriveAsync(_run);
        await _run;
        await Engine.DisposeAsync();
        await Store.DisposeAsync();
        MetricLaws.Verify(Scrape());
    }

    /// <summary>Stops the engine and nothing else, without letting time pass; the rig's own stop finds it so.</summary>
    public void StopEngine()
    {
        _stop.Cancel();
        _run.GetAwaiter().GetResult();
    }

    /// <summary>Changes the stored torrent while no engine runs, as if the process before had ended there.</summary>
    public async Task EditAsync(Func<ITorrentStorage, ValueTask> change)
    {
        await using var store = MakeStore();
        await change((await store.RecoverAsync(CancellationToken.None)).Single());
    }

    public async Task RestartAsync()
    {
        await StopAsync();
        Start();
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        Disk.Dispose();
        Logs.Verify();
    }

    public static InitRequest MakeInit(BuiltTorrent torrent, Func<TorrentFile, bool>? selected = null) => new()
    {
        Id = torrent.Id,
        Selection = Selection.Of(torrent.Manifest, selected ?? (static _ => true)).ToBytes(),
        Place = new Place("", [], ContentLayout.Original),
        Parameters = new TorrentParameters { Category = "linux", Tags = ["iso"] },
        Torrent = torrent.Bytes,
    };

    public static FinalizeRequest MakeFinalize(InitRequest init, BuiltTorrent torrent)
    {
        Assert.That(Selection.TryFromBytes(torrent.Manifest, init.Selection.Span, out var selection), Is.True);
        return new FinalizeRequest { Id = torrent.Id, SelectionFingerprint = selection!.Fingerprint(torrent.Id), Parameters = init.Parameters };
    }

    /// <summary>Init as a source does it: asked again while it is answered Running or Recovering.</summary>
    public async Task<InitOutcome> InitAsync(InitRequest request, Caller? caller = null)
    {
        await RecoveredAsync();
        while (true)
        {
            var outcome = await DriveAsync(Engine.InitAsync(caller ?? Source, request, CancellationToken.None).AsTask());
            if (outcome is not (InitOutcome.Running or InitOutcome.Refused { Refusal.Reason: RefusalReason.Recovering }))
            {
                return outcome;
            }
        }
    }

    public async Task<InitOutcome.Open> OpenAsync(InitRequest request)
    {
        var outcome = await InitAsync(request);
        Assert.That(outcome, Is.InstanceOf<InitOutcome.Open>());
        return (InitOutcome.Open)outcome;
    }

    /// <summary>Init, and then the truth after local content was decided.</summary>
    public async Task<InitOutcome.Open> OpenSettledAsync(InitRequest request)
    {
        var open = await OpenAsync(request);
        await DriveAsync(() => Storage.DeferredPieces == 0);
        return open with { Have = Storage.CopyHave(), Deferred = Storage.CopyDeferred() };
    }

    /// <summary>Finalize as a source does it, until it is answered something else than Running.</summary>
    public async Task<FinalizeOutcome> FinalizeAsync(FinalizeRequest request, int atMost = 1000)
    {
        await RecoveredAsync();
        FinalizeOutcome outcome = new FinalizeOutcome.Unknown();
        for (var i = 0; i < atMost; i++)
        {
            outcome = await DriveAsync(Engine.FinalizeAsync(Source, request, CancellationToken.None).AsTask());
            if (outcome is not (FinalizeOutcome.Running or FinalizeOutcome.Refused { Refusal.Reason: RefusalReason.Recovering }))
            {
                break;
            }
        }

        return outcome;
    }

    public async Task<AbortOutcome> AbortAsync(InfoHash id, AbortCause cause, AbortMode mode = AbortMode.Discard)
    {
        await RecoveredAsync();
        while (true)
        {
            var outcome = await DriveAsync(Engine.AbortAsync(Source, new AbortRequest(id, cause, mode), CancellationToken.None).AsTask());
            if (outcome is not AbortOutcome.Running)
            {
                return outcome;
            }
        }
    }

    public async Task<DestinationTorrentStatus> GetStatusAsync(InfoHash id, Caller? caller = null) =>
        (await Engine.GetStatusAsync(caller ?? Source, new StatusRequest([id], WithBitmaps: true), CancellationToken.None))[0];

    /// <summary>Sends one piece, whole, in chunks.</summary>
    public PieceAckStatus Send(BuiltTorrent torrent, int piece, ulong epoch, byte[]? bytes = null)
    {
        var status = Engine.Begin(Source, new PieceRef(torrent.Id, piece), epoch, out var transfer);
        if (transfer is null)
        {
            return status;
        }

        using (transfer)
        {
            bytes ??= torrent.ReadPiece(piece);
            for (var offset = 0; offset < bytes.Length && status == PieceAckStatus.Pending; offset += 10_000)
            {
                status = transfer.Write(offset, bytes.AsSpan(offset, Math.Min(10_000, bytes.Length - offset)));
            }
        }

        return status;
    }

    /// <summary>Sends every piece that is selected, not held, and not to come from local content.</summary>
    public void SendMissing(BuiltTorrent torrent, InitOutcome.Open open, InitRequest init)
    {
        Selection.TryFromBytes(torrent.Manifest, init.Selection.Span, out var selection);
        var layout = new PieceLayout(torrent.Manifest, selection!);
        for (var piece = 0; piece < torrent.Manifest.PieceCount; piece++)
        {
            if (layout.IsSelected(piece) && !open.Have[piece] && !open.Deferred[piece])
            {
                Assert.That(Send(torrent, piece, open.Epoch), Is.EqualTo(PieceAckStatus.Accepted));
            }
        }
    }

    /// <summary>Init, all pieces, Finalize.</summary>
    public async Task<FinalizeOutcome> SyncAsync(BuiltTorrent torrent, InitRequest init, int atMost = 1000)
    {
        SendMissing(torrent, await OpenAsync(init), init);
        return await FinalizeAsync(MakeFinalize(init, torrent), atMost);
    }

    public async Task<T> DriveAsync<T>(Task<T> task)
    {
        await DriveAsync((Task)task);
        return await task;
    }

    public Task DriveAsync(Task task) => task.IsCompleted ? Task.CompletedTask : DriveAsync(() => task.IsCompleted);

    /// <summary>Lets virtual time run, while nobody works, until a condition holds; bounded in real time.</summary>
    public Task DriveAsync(Func<bool> condition, [CallerArgumentExpression(nameof(condition))] string what = "") =>
        VirtualTime.PassUntilAsync(Time, condition, _ => Step, static () => { }, () => what);

    /// <summary>Lets virtual time run for a while; conditions are for <see cref="DriveAsync(Func{bool}, string)"/>.</summary>
    public Task PassAsync(TimeSpan virtualTime)
    {
        var until = Time.GetUtcNow() + virtualTime;
        return DriveAsync(() => Time.GetUtcNow() >= until, "time passes");
    }

    public double Metric(string name, params (string Name, string Value)[] labels)
    {
        var line = Scrape().Split('\n').FirstOrDefault(one => one.StartsWith(name, StringComparison.Ordinal)
            && one.Length > name.Length && one[name.Length] is '{' or ' '
            && labels.All(label => one.Contains($"{label.Name}=\"{label.Value}\"", StringComparison.Ordinal)));
        return line is null ? double.NaN : double.Parse(line[(line.LastIndexOf(' ') + 1)..], System.Globalization.CultureInfo.InvariantCulture);
    }

    public Exposition ReadMetrics() => Exposition.Parse(Scrape());

    private string Scrape()
    {
        using var stream = new MemoryStream();
        MovedSeries.CollectAsync(Registry, stream).GetAwaiter().GetResult();
        return System.Text.Encoding.UTF8.GetString(stream.ToArray());
    }

    /// <summary>The state is read: until then every verb is refused.</summary>
    public Task RecoveredAsync() => Engine.Status.IsStarted ? Task.CompletedTask : DriveAsync(() => Engine.Status.IsStarted || _run.IsCompleted);

    private GatedStore MakeStore()
    {
        var registry = Prometheus.Metrics.NewCustomRegistry();
        return new GatedStore(Disk, new TorrentStore(
            new StorageOptions { DataRoot = Disk.Data, StateDirectory = Disk.State, MinFreeBytes = 0 },
            Prometheus.Metrics.WithCustomRegistry(registry),
            registry,
            Logs,
            Time));
    }
}
