using System.Net.Sockets;
using Microsoft.Extensions.Logging;
using Prometheus;
using QbSync.Engine.Status;
using QbSync.Host.Configuration;
using QbSync.Host.Endpoints;
using QbSync.Host.Notifications;
using QbSync.Host.Reporting;
using QbSync.Ports;
using QbSync.QBittorrent;

namespace QbSync.Host.Lifetime;

/// <summary>
/// One running role with all that it owns: registry, health listener, stores, engine. Nothing is shared with another node of the same process.
/// Disposing it ends what is left in the reverse order of making; the control socket goes first, the health listener last.
/// </summary>
internal abstract partial class RoleNode : IAsyncDisposable
{
    // An engine publishes its status each second; five silent minutes mean a loop that hangs.
    private static readonly TimeSpan LoopIsStuck = TimeSpan.FromMinutes(5);

    private readonly Stack<IAsyncDisposable> _owned = new();
    private readonly DateTimeOffset _made;
    private volatile RoleSettings _settings;
    private StatusServer? _http;
    private StatusServer? _control;
    private StatusBoard? _board;
    private EventStream? _events;
    private ReadinessChecks? _readiness;
    private QBittorrentTorrentClient? _login;
    private volatile bool _isStopping;
    private Notifier? _notifier;

    protected RoleNode(RoleSettings settings, ILoggerFactory loggers, TimeProvider time)
    {
        _settings = settings;
        Loggers = loggers;
        Time = time;
        _made = time.GetUtcNow();
        Registry = Metrics.NewCustomRegistry();
        Factory = Metrics.WithCustomRegistry(Registry);
        Factory.ExemplarBehavior = ExemplarBehavior.NoExemplars();
        DotNetStats.Register(Registry);
    }

    public CollectorRegistry Registry { get; }

    /// <summary>What the engine is doing; null before it was made.</summary>
    public abstract EngineStatus? Status { get; }

    /// <summary>Whether the engine's loop beats.</summary>
    public bool IsAlive => Time.GetUtcNow() - (Status?.At ?? _made) < LoopIsStuck;

    /// <summary>Where health and metrics are served, if they are.</summary>
    public Uri? HealthAddress => _http?.Address;

    /// <summary>What is told of it; null before the start.</summary>
    public StatusBoard? Board => _board;

    /// <summary>Its event streams; null before the start.</summary>
    public EventStream? Events => _events;

    /// <summary>Who reads the configuration anew when that is asked for; null where nobody does.</summary>
    public ReloadRequests? Reloads { get; init; }

    protected RoleSettings Settings => _settings;

    protected ILoggerFactory Loggers { get; }

    protected TimeProvider Time { get; }

    protected MetricFactory Factory { get; }

    protected abstract IReadOnlyList<ReadinessCheck> Checks { get; }

    /// <summary>Where its status comes from. Asked for once, after <see cref="Build"/>.</summary>
    protected abstract StatusFacts Facts { get; }

    /// <summary>What can be asked of it over its control socket.</summary>
    protected virtual ControlActions Actions => ControlActions.None;

    /// <summary>Whether it was told to stop.</summary>
    protected bool IsStopping => _isStopping;

    /// <summary>
    /// Makes everything, starts health, then opens what others reach. All metrics are there at zero before the first is served. A peer or client that is away is no
    /// obstacle.
    /// </summary>
    /// <exception cref="QbSyncException">The state folder or the data cannot be used.</exception>
    /// <exception cref="IOException">An address is in use.</exception>
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        var metrics = new HostMetrics(Factory, Settings.Mode);
        if (!Settings.IsDryRun)
        {
            ControlSocket.MakeFolder(Settings.StateDirectory);
        }

        // Made first, so that it goes after all that has something to tell.
        _notifier = Own(new Notifier(Settings.ActiveNotifications, Settings.Mode, Name, Factory, Loggers, Time, MakeRandom()));
        Build();
        _readiness = new ReadinessChecks(Checks, metrics, Time);
        _board = new StatusBoard(Facts with { IsStopping = () => _isStopping }, Time);
        _events = new EventStream(_board, Time);
        var surface = new HttpSurface(Registry, () => IsAlive, _readiness, _board, _events, Actions with { ReloadAsync = Reloads is null ? null : Reloads.AskAsync });
        if (Settings.HealthAddress is { } address && address.TryGetEndPoint(out var endPoint))
        {
            _http = await StatusServer.StartAsync(endPoint, surface, Settings.Access, cancellationToken);
        }

        if (!Settings.IsDryRun)
        {
            await StartControlAsync(surface, cancellationToken);
        }

        _board.Start();
        await OpenAsync(cancellationToken);
    }

    /// <summary>Runs the engine until <paramref name="stop"/> fires and it has stopped gracefully. From then on the role is not ready; what is reported stays.</summary>
    /// <param name="hurry">Cuts that short: what is not over within five seconds is repaired at the next start.</param>
    public async Task RunAsync(CancellationToken stop, CancellationToken hurry = default)
    {
        // What is told of it changes before the role itself hears of the stop.
        using var role = new CancellationTokenSource();
        await using var registration = stop.Register(() =>
        {
            _isStopping = true;
            _readiness?.Close();
            role.Cancel();
        });
        await RunRoleAsync(role.Token, hurry);
    }

    /// <summary>Goes on by other settings: of those, what can be taken while it runs is in force within a second. Once it has started; by one caller at a time.</summary>
    public void Apply(RoleSettings settings)
    {
        var before = _settings;
        _settings = settings;
        if (_login is { } login)
        {
            ClientFactory.Renew(login, before, settings);
        }

        _notifier?.Apply(settings.ActiveNotifications);
        Apply();
    }

    public async ValueTask DisposeAsync()
    {
        // Before the state folder is let go: whoever takes that next has a control socket there of its own.
        if (_control is not null)
        {
            await _control.DisposeAsync();
        }

        while (_owned.TryPop(out var owned))
        {
            await owned.DisposeAsync();
        }

        _events?.Stop();
        if (_http is not null)
        {
            await _http.DisposeAsync();
        }

        if (_board is not null)
        {
            await _board.DisposeAsync();
        }

        _events?.Dispose();
    }

    /// <summary>Without the socket the role works as well; only the commands that ask it do not.</summary>
    private async Task StartControlAsync(HttpSurface surface, CancellationToken cancellationToken)
    {
        try
        {
            _control = await StatusServer.StartControlAsync(ControlSocket.Of(Settings.StateDirectory), surface, cancellationToken);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or SocketException)
        {
            Log.NoControlSocket(Loggers.CreateLogger<RoleNode>(), error.Message);
        }
    }

    /// <summary>What this node is called.</summary>
    protected virtual string Name => Environment.MachineName;

    /// <summary>Chance of its own for a part, from the node's. Before anything runs.</summary>
    protected virtual Random MakeRandom() => new();

    /// <summary>Has those told who want to know. Returns at once, from any thread.</summary>
    protected void Notify(EngineEvent happened) => _notifier?.Post(happened);

    /// <summary>Makes what the role consists of and takes the state folder, so that what is in it is this process's alone; nothing of it runs yet.</summary>
    protected abstract void Build();

    /// <summary>Gives the settings, which are others now, to what the role consists of.</summary>
    protected abstract void Apply();

    /// <summary>Opens what peers connect to.</summary>
    protected virtual Task OpenAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    protected abstract Task RunRoleAsync(CancellationToken stop, CancellationToken hurry);

    /// <summary>The client that the settings ask for, as an engine gets it; null for none. It ends with the role.</summary>
    /// <param name="records">Where the client keeps what must survive a restart of ours.</param>
    protected ITorrentClient? OpenClient(IDurableRecords? records, Random random)
    {
        var client = ClientFactory.Create(() => Settings, records, Factory, Registry, Loggers, Time, random);
        if (client is IAsyncDisposable disposable)
        {
            Own(disposable);
        }

        _login = client as QBittorrentTorrentClient;
        return client is null ? null : ClientFactory.Guard(Settings, client);
    }

    /// <summary>Lets a client that refused our login be asked once more, since a person wants that.</summary>
    protected void RetryLogin()
    {
        if (_login is { } login)
        {
            ClientFactory.RetryLogin(login);
        }
    }

    protected ReadinessCheck StatusCheck(string name, Func<EngineStatus, bool> isGood) =>
        new(name, () => Task.FromResult(Status is { } status && isGood(status)));

    protected T Own<T>(T owned)
        where T : IAsyncDisposable
    {
        _owned.Push(owned);
        return owned;
    }
}
