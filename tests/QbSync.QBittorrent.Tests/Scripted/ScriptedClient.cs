using Microsoft.Extensions.Time.Testing;
using Prometheus;
using QbSync.Ports;
using QbSync.Testing.Logging;
using QbSync.Testing.Metrics;

namespace QbSync.QBittorrent.Tests.Scripted;

/// <summary>Our client over a scripted server and a clock that the test moves.</summary>
internal sealed class ScriptedClient : IAsyncDisposable
{
    public static readonly ClientTorrentId Id = new(new string('a', 40));

    public ScriptedClient(string version = "2.11.4", Action<QBittorrentOptions>? configure = null, string mode = "source", MemoryRecords? records = null, FakeTimeProvider? time = null, ScriptedServer? server = null)
    {
        Time = time ?? Time;
        Server = server ?? new ScriptedServer(version);
        var options = new QBittorrentOptions { Url = new Uri("http://qb.test:8080/base/") };
        configure?.Invoke(options);
        Api = new QBittorrentClient(options, Server, Prometheus.Metrics.WithCustomRegistry(Registry), Registry, mode, Log, Time, new Random(1), records);
        Client = new QBittorrentTorrentClient(Api, options, Log, Time);
    }

    public ScriptedServer Server { get; }

    public FakeTimeProvider Time { get; } = new(new DateTimeOffset(2030, 1, 1, 0, 0, 0, TimeSpan.Zero));

    public CollectorRegistry Registry { get; } = Prometheus.Metrics.NewCustomRegistry();

    public LogErrorGuard Log { get; } = new();

    public QBittorrentClient Api { get; }

    public QBittorrentTorrentClient Client { get; }

    public static ScriptedClient WithLogin(string version = "2.11.4") =>
        new(version, static options => (options.Username, options.Password) = ("user", "p&ss wörd"));

    /// <summary>Runs a call, and moves the clock on as far as its pauses need: only while nobody works, so that no attempt's time runs out meanwhile.</summary>
    public async Task<T> RunAsync<T>(Func<Task<T>> call)
    {
        var task = Task.Run(call);
        await Time.AdvanceUntilAsync(() => task.IsCompleted);
        return await task;
    }

    public Task RunAsync(Func<Task> call) => RunAsync(async () =>
    {
        await call();
        return true;
    });

    public TorrentClientException Fault(Func<Task> call) => Assert.ThrowsAsync<TorrentClientException>(() => RunAsync(call))!;

    public double Metric(string name, params string[] labels) => MetricReader.Read(Registry, name, labels);

    public async ValueTask DisposeAsync()
    {
        await Client.DisposeAsync();
        MetricLaws.Verify(MetricReader.Scrape(Registry));
        Log.Verify();
    }
}
