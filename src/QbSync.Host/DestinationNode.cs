using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Prometheus;
using QbSync.Engine.Destination;
using QbSync.Engine.Status;
using QbSync.Host.Configuration;
using QbSync.Host.Endpoints;
using QbSync.Host.Lifetime;
using QbSync.Host.Reporting;
using QbSync.Ports;
using QbSync.Storage.Pieces;
using QbSync.Storage.State;

namespace QbSync.Host;

/// <summary>The destination role: a store, a client to register at, the engine, and the gRPC listener in front of it.</summary>
internal sealed class DestinationNode(RoleSettings settings, ILoggerFactory loggers, TimeProvider time, Random random) : RoleNode(settings, loggers, time)
{
    private TorrentStore? _store;
    private DestinationEngine? _engine;
    private ITorrentClient? _client;
    private WebApplication? _server;
    private volatile bool _isListening;

    public override EngineStatus? Status => _engine?.Status;

    /// <summary>Where sources connect, with the port that the system chose when 0 was asked for.</summary>
    public Uri? ListenAddress => _isListening ? new Uri(_server!.Urls.First()) : null;

    protected override IReadOnlyList<ReadinessCheck> Checks =>
    [
        StatusCheck("state", status => status.IsStarted),
        StatusCheck("client", status => status.ClientOk == true),
        new("data", () => Task.FromResult(Directory.Exists(Settings.Data))),
        new("listener", () => Task.FromResult(_isListening)),
    ];

    protected override StatusFacts Facts => new()
    {
        Mode = Settings.Mode,
        Name = Name,
        Engine = () => Status,
        Checks = Checks,
        Client = _client,
        Peers = static engine => [.. (engine?.Sources ?? []).Select(static source => new PeerStatus { Name = ShownText.Escape(source.Name), Ok = source.IsHere })],
        MinSpace = Settings.Values.Bytes("min-free") is > 0 and var min ? min : null,
    };

    protected override async Task RunRoleAsync(CancellationToken stop, CancellationToken hurry)
    {
        await _engine!.RunAsync(stop);

        // The engine has answered every piece in hand; what is left of the streams is ended, so that no source waits for us.
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(5), Time);
        await _server!.StopAsync(limit.Token);
    }

    protected override void Apply()
    {
        _store?.Apply(EngineOptions.ForStore(Settings));
        _engine?.Apply(EngineOptions.ForDestination(Settings));
    }

    protected override Random MakeRandom() => new(random.Next());

    protected override void Build()
    {
        // Apart from the store, which takes the state folder itself and later.
        var clientState = Path.Join(Settings.StateDirectory, "client");
        IDurableRecords? records = Settings.Client != ClientKind.QBittorrent ? null
            : Settings.IsDryRun ? new ReadOnlyRecords(clientState)
            : Own(new DurableRecords(clientState, Loggers, Factory, Settings.Mode));
        var client = _client = OpenClient(records, random);
        var store = _store = Own(new TorrentStore(
            EngineOptions.ForStore(Settings),
            Factory,
            Registry,
            Loggers,
            Time));
        if (!Settings.IsDryRun)
        {
            store.TakeState();
        }

        _engine = Own(new DestinationEngine(
            EngineOptions.ForDestination(Settings),
            store,
            client,
            Factory,
            Registry,
            Loggers,
            Time,
            random));
        _engine.Happened += Notify;
        Settings.Values.Address("listen")!.Value.TryGetEndPoint(out var endPoint);
        _server = Own(BuildServer(endPoint));
    }

    protected override async Task OpenAsync(CancellationToken cancellationToken)
    {
        await _server!.StartAsync(cancellationToken);
        _isListening = true;
    }

    private WebApplication BuildServer(IPEndPoint endPoint)
    {
        var values = Settings.Values;
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel => kestrel.ListenQbSync(endPoint));
        builder.Services.AddRoutingCore();
        builder.Services.AddSingleton(Loggers);
        builder.Services.AddSingleton(Time);
        builder.Services.AddSingleton<IMetricFactory>(Factory);
        builder.Services.AddSingleton(Registry);
        builder.Services.AddSingleton<IDestination>(_engine!);
        builder.Services.AddSingleton<IPieceIntake>(_engine!);
        builder.Services.AddQbSyncServer(options =>
        {
            options.Security = Settings.Security;
            options.StreamWorkers = values.Integer("stream-workers");
            options.MaxConnections = values.Integer("max-peer-connections");
            options.MaxStreams = values.Integer("max-peer-streams");
            if (values.Bytes("max-stream-buffer") is > 0 and var budget)
            {
                options.ReceiveBudget = budget;
            }
        });
        var app = builder.Build();
        app.MapQbSync();
        return app;
    }
}
