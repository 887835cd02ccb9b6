using System.Collections.Concurrent;
using Prometheus;
using QbSync.Engine;
using QbSync.Engine.Destination;
using QbSync.Host.Commands.Demo;
using QbSync.Outcomes;
using QbSync.Pieces;
using QbSync.Ports;
using QbSync.QBittorrent;
using QbSync.Storage;
using QbSync.Storage.Pieces;
using QbSync.Testing.Logging;
using QbSync.Testing.Metrics;
using QbSync.Torrents;

namespace QbSync.ClientTests;

/// <summary>A destination of ours in this process in front of a real qBittorrent; the test is its source. Either can be started again.</summary>
internal sealed class DestinationLab : IAsyncDisposable
{
    public static readonly Caller Caller = new(new Guid(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11), "test");

    private readonly ConcurrentDictionary<CollectorRegistry, bool> _registries = new();
    private TempDirectory _folder = null!;
    private readonly QBittorrentProcesses _processes;
    private readonly DestinationLabOptions _options;
    private PortCalls<ITorrentClient> _calls = null!;
    private CancellationTokenSource _stop = new();
    private TorrentStore? _store;
    private Task _run = Task.CompletedTask;

    private DestinationLab(QBittorrentProcesses processes, DestinationLabOptions options) => (_processes, _options) = (processes, options);

    public QBittorrentInstance Instance { get; private set; } = null!;

    /// <summary>The client as a test uses it beside the engine.</summary>
    public QBittorrentTorrentClient Client { get; private set; } = null!;

    /// <summary>The engine's calls of the client.</summary>
    public PortCalls<ITorrentClient> Calls => _calls;

    public DestinationEngine Engine { get; private set; } = null!;

    public LogErrorGuard Logs { get; } = new();

    public string Data => Instance.SavePath;

    /// <summary>Pieces sent since the lab was made, by torrent.</summary>
    public ConcurrentDictionary<InfoHash, int> Sent { get; } = [];

    /// <summary>Starts client and engine; the test is ignored where there is no qBittorrent.</summary>
    public static async Task<DestinationLab> StartAsync(DestinationLabOptions? options = null)
    {
        var executable = QBittorrentProcesses.FindExecutable();
        if (executable is null)
        {
            Assert.Ignore("qbittorrent-nox is not installed.");
        }

        options ??= new DestinationLabOptions();
        var folder = new TempDirectory();
        executable = options.WrapExecutable?.Invoke(executable!, folder) ?? executable;
        var lab = new DestinationLab(new QBittorrentProcesses(executable!, TimeProvider.System, FreePorts.Take), options) { _folder = folder };
        await lab.StartClientAsync(null);
        lab.Client = lab.Connect(lab.Instance);
        lab._calls = PortCalls<ITorrentClient>.Of(lab.Client);
        lab.StartEngine();
        return lab;
    }

    /// <summary>Another client of the same version, for a peer.</summary>
    public Task<QBittorrentInstance> StartPeerAsync(string name) =>
        _processes.StartAsync(new QBittorrentInstanceOptions { Directory = _folder[name] }, CancellationToken.None);

    /// <summary>Kills the client as a power cut would.</summary>
    public Task KillClientAsync() => Instance.KillAsync(CancellationToken.None);

    /// <summary>Starts it again at the same address, with what it had saved.</summary>
    public Task StartClientAgainAsync() => StartClientAsync(Instance.Url.Port);

    /// <summary>Whether the client speaks this WebAPI version, or a later one.</summary>
    public async Task<bool> IsAtLeastAsync(string version) =>
        Version.Parse(await Instance.GetAsync("app/webapiVersion", CancellationToken.None)) >= Version.Parse(version);

    public QBittorrentTorrentClient Connect(QBittorrentInstance instance)
    {
        var registry = NewRegistry();
        return new QBittorrentTorrentClient(
            new QBittorrentOptions { Url = instance.Url }, Metrics.WithCustomRegistry(registry), registry, "destination", Logs, TimeProvider.System, new Random(1));
    }

    /// <summary>Fails, with the client's last words, if a client has ended though nobody had told it to.</summary>
    public void AssertClientRuns() => Assert.That(_processes.UnaskedEnds, Is.Empty, "clients ended by themselves");

    /// <summary>Ends the engine cleanly and starts another one on the same state.</summary>
    public async Task RestartAsync()
    {
        await StopEngineAsync();
        StartEngine();
    }

    public static InitRequest MakeInit(BuiltTorrent torrent, Func<TorrentFile, bool>? wanted = null, ContentLayout layout = ContentLayout.Original, params string[] subPath) => new()
    {
        Id = torrent.Id,
        Selection = Selection.Of(torrent.Manifest, wanted ?? (static _ => true)).ToBytes(),
        Place = new Place("", subPath, layout),
        Parameters = new TorrentParameters { Category = "linux", Tags = ["iso", "mine"] },
        Torrent = torrent.Bytes,
    };

    /// <summary>Init, every piece that is needed, Finalize; asked again until it is complete.</summary>
    public async Task<TorrentStatus> CompleteAsync(BuiltTorrent torrent, InitRequest init)
    {
        var finalize = await FinalizeAsync(torrent, init);
        Assert.That(finalize, Is.InstanceOf<FinalizeOutcome.Complete>(), $"{finalize}");
        return (await FindAsync(torrent))!;
    }

    public async Task<FinalizeOutcome> FinalizeAsync(BuiltTorrent torrent, InitRequest init)
    {
        Selection.TryFromBytes(torrent.Manifest, init.Selection.Span, out var selection);
        var request = new FinalizeRequest { Id = torrent.Id, SelectionFingerprint = selection!.Fingerprint(torrent.Id), Parameters = init.Parameters };
        while (true)
        {
            if (await InitAsync(init) is InitOutcome.Open open)
            {
                await SendAsync(torrent, selection, open);
            }

            var outcome = await UntilAsync<FinalizeOutcome>(
                async () => await Engine.FinalizeAsync(Caller, request, CancellationToken.None), static outcome => outcome is not FinalizeOutcome.Running);
            if (outcome is not FinalizeOutcome.Incomplete)
            {
                return outcome;
            }
        }
    }

    public Task<InitOutcome> InitAsync(InitRequest init) => UntilAsync<InitOutcome>(
        async () => await Engine.InitAsync(Caller, init, CancellationToken.None),
        static outcome => outcome is not (InitOutcome.Running or InitOutcome.Refused { Refusal.Reason: RefusalReason.Recovering or RefusalReason.Busy }));

    /// <summary>Sends what is selected and neither held nor deferred.</summary>
    public async Task SendAsync(BuiltTorrent torrent, Selection selection, InitOutcome.Open open)
    {
        var layout = new PieceLayout(torrent.Manifest, selection);
        var segments = new List<PieceSegment>();
        for (var piece = 0; piece < torrent.Manifest.PieceCount; piece++)
        {
            if (!layout.IsSelected(piece) || open.Have[piece] || open.Deferred[piece])
            {
                continue;
            }

            var status = PieceAckStatus.Busy;
            await Eventually.BecomesTrueAsync(() => (status = Send(torrent, piece, open.Epoch, layout, segments)) != PieceAckStatus.Busy);
            Assert.That(status, Is.EqualTo(PieceAckStatus.Accepted), $"piece {piece}");
            Sent.AddOrUpdate(torrent.Id, 1, static (_, count) => count + 1);
        }
    }

    /// <summary>Asks for a start as a source does, until it is answered.</summary>
    public Task<StartOutcome> StartSeedingAsync(BuiltTorrent torrent) => UntilAsync<StartOutcome>(
        async () => await Engine.StartAsync(Caller, new StartRequest(torrent.Id, StartCause.Handoff, new TorrentParameters()), CancellationToken.None),
        static outcome => outcome is not StartOutcome.Running);

    public Task<TorrentStatus?> FindAsync(BuiltTorrent torrent) => Client.FindAsync(torrent.Manifest.V1, torrent.Manifest.V2, CancellationToken.None).AsTask();

    /// <summary>What the client shows, once it is so.</summary>
    public async Task<TorrentStatus> BecomesAsync(BuiltTorrent torrent, Func<TorrentStatus, bool> condition, string what)
    {
        TorrentStatus? status = null;
        await Eventually.BecomesTrueAsync(async () => (status = await FindAsync(torrent)) is not null && condition(status), expression: what);
        return status!;
    }

    /// <summary>A value of the client's own view of a torrent, as the WebUI shows it.</summary>
    public async Task<System.Text.Json.JsonElement> GetPropertiesAsync(TorrentStatus status)
    {
        using var document = System.Text.Json.JsonDocument.Parse(await Instance.GetAsync($"torrents/properties?hash={status.Id}", CancellationToken.None));
        return document.RootElement.Clone();
    }

    public async Task<T> UntilAsync<T>(Func<Task<T>> ask, Func<T, bool> isAnswer)
        where T : class
    {
        T? answer = null;
        try
        {
            await Eventually.BecomesTrueAsync(async () => isAnswer(answer = await ask()), expression: "an answer");
        }
        catch (TimeoutException)
        {
            Assert.Fail($"Still {answer}. {string.Join(Environment.NewLine, Logs.Entries.TakeLast(40))}");
        }

        return answer!;
    }

    public async ValueTask DisposeAsync()
    {
        await StopEngineAsync();
        await Client.DisposeAsync();
        await MetricLaws.VerifyAsync(_registries.Keys);
        await _processes.DisposeAsync();
        _folder.Dispose();
        AssertClientRuns();
        Logs.Verify();
        Logs.Dispose();
    }

    /// <summary>One whose laws are checked at the end.</summary>
    private CollectorRegistry NewRegistry()
    {
        var registry = Metrics.NewCustomRegistry();
        _registries[registry] = true;
        return registry;
    }

    private PieceAckStatus Send(BuiltTorrent torrent, int piece, ulong epoch, PieceLayout layout, List<PieceSegment> segments)
    {
        var status = Engine.Begin(Caller, new PieceRef(torrent.Id, piece), epoch, out var transfer);
        using (transfer)
        {
            if (transfer is null)
            {
                return status;
            }

            var bytes = torrent.ReadPiece(piece);
            layout.GetSegments(piece, segments);
            foreach (var segment in segments.Where(static segment => !segment.IsPad))
            {
                for (var offset = 0; offset < segment.Length && status == PieceAckStatus.Pending; offset += 1 << 20)
                {
                    status = transfer.Write(segment.PieceOffset + offset, bytes.AsSpan(segment.PieceOffset + offset, Math.Min(1 << 20, segment.Length - offset)));
                }
            }

            return status;
        }
    }

    private async Task StartClientAsync(int? port)
    {
        var profile = _folder["client"];
        Instance = await _processes.StartAsync(
            new QBittorrentInstanceOptions { Directory = profile, WebPort = port, Session = _options.MakeSession?.Invoke(profile) ?? [] }, CancellationToken.None);
    }

    private void StartEngine()
    {
        _stop = new CancellationTokenSource();
        var registry = NewRegistry();
        var metrics = Metrics.WithCustomRegistry(registry);
        _store = new TorrentStore(
            new StorageOptions { DataRoot = Data, StateDirectory = _folder["state"], MinFreeBytes = 0 }, metrics, registry, Logs, TimeProvider.System);
        var options = new DestinationOptions { SavePath = Data, DataRoot = Data, MinFreeBytes = 0, PollInterval = TimeSpan.FromMilliseconds(200), Recheck = _options.Recheck };
        options.SavePath = _options.SavePath?.Invoke(Data) ?? Data;
        Engine = new DestinationEngine(options, _store, _calls.Port, metrics, registry, Logs, TimeProvider.System, new Random(2));
        _run = Engine.RunAsync(_stop.Token);
    }

    private async Task StopEngineAsync()
    {
        await _stop.CancelAsync();
        await _run.DefaultTimeout();
        await Engine.DisposeAsync();
        await _store!.DisposeAsync();
        _stop.Dispose();
    }
}
