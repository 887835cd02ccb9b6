using System.Security.Cryptography.X509Certificates;
using Prometheus;
using QbSync.Testing.Logging;

namespace QbSync.QBittorrent.Tests.Scripted;

/// <summary>Our client as it is shipped, with its own handler, over real sockets to a scripted server; in real time.</summary>
internal sealed class LoopbackClient : IAsyncDisposable
{
    public LoopbackClient(Action<QBittorrentOptions>? configure = null, X509Certificate2? certificate = null, string version = "2.11.4")
    {
        Server = new ScriptedServer(version);
        Sockets = new LoopbackServer(Server, certificate);
        var options = new QBittorrentOptions { Url = Sockets.Url };
        configure?.Invoke(options);
        Api = new QBittorrentClient(options, null, Prometheus.Metrics.WithCustomRegistry(Registry), Registry, "source", Log, TimeProvider.System, new Random(1));
        Client = new QBittorrentTorrentClient(Api, options, Log, TimeProvider.System);
    }

    public ScriptedServer Server { get; }

    public LoopbackServer Sockets { get; }

    public CollectorRegistry Registry { get; } = Prometheus.Metrics.NewCustomRegistry();

    public LogErrorGuard Log { get; } = new();

    public QBittorrentClient Api { get; }

    public QBittorrentTorrentClient Client { get; }

    public double Metric(string name, params string[] labels) => MetricReader.Read(Registry, name, labels);

    public async ValueTask DisposeAsync()
    {
        await Client.DisposeAsync();
        await Sockets.DisposeAsync();
        Server.Dispose();
        Log.Verify();
    }
}
