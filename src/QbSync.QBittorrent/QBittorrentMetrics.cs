using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Prometheus;
using QbSync.MetricFamilies;
using QbSync.Ports;
using QbSync.QBittorrent.Pipeline;

namespace QbSync.QBittorrent;

/// <summary>What the client's calls move. Every operation exists at zero at birth.</summary>
internal sealed partial class QBittorrentMetrics
{
    private const string Component = "qb_client";

    private readonly string _mode;
    private readonly TimeProvider _time;
    private readonly Counter _calls, _errors;
    private readonly Histogram _durations;
    private readonly Counter.Child _retries, _trips;

    public QBittorrentMetrics(
        IMetricFactory factory, CollectorRegistry registry, string mode, TimeProvider time, Func<ClientGate> breaker, ILoggerFactory? loggers = null)
    {
        _mode = mode;
        _time = time;
        _calls = factory.CreateCounter("qbsync_qb_api_calls_total", "qBittorrent API calls by operation", ["mode", "operation"]);
        _errors = factory.CreateCounter(
            "qbsync_qb_api_errors_total", "qBittorrent API calls that failed, by kind of fault", ["mode", "kind"]);
        _durations = factory.CreateHistogram(
            "qbsync_qb_api_call_duration_seconds",
            "qBittorrent API call latency (including retries)",
            ["mode", "operation"],
            new HistogramConfiguration { Buckets = [.01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10] });
        _retries = factory.CreateCounter("qbsync_qb_client_retries_total", "qBittorrent API retries").WithLabels();
        _trips = SharedMetricFamilies.CircuitBreakerTrips(factory).WithLabels(mode, Component);
        var state = SharedMetricFamilies.CircuitBreakerState(factory).WithLabels(mode, Component);
        foreach (var operation in Enum.GetValues<ApiOperation>())
        {
            _calls.WithLabels(mode, operation.ToString());
            _durations.WithLabels(mode, operation.ToString());
        }

        foreach (var kind in FaultKinds.All)
        {
            _errors.WithLabels(mode, kind);
        }

        var logger = (loggers ?? NullLoggerFactory.Instance).CreateLogger<QBittorrentMetrics>();
        var scraped = new ScrapedOwner(factory, registry, "qbittorrent", fault => Log.NotReadable(logger, fault));
        scraped.Add(state);
        scraped.Read(() => state.Set(breaker() switch
        {
            ClientGate.Closed => 0,
            ClientGate.Open or ClientGate.Isolated => 1,
            ClientGate.HalfOpen => 2,
        }));
    }

    public void CallStarted(ApiOperation operation) => _calls.WithLabels(_mode, operation.ToString()).Inc();

    public void CallEnded(ApiOperation operation, long startedAt) =>
        _durations.WithLabels(_mode, operation.ToString()).Observe(_time.GetElapsedTime(startedAt).TotalSeconds);

    public void CallFailed(ClientFault fault)
    {
        if (FaultKinds.Of(fault) is { } kind)
        {
            _errors.WithLabels(_mode, kind).Inc();
        }
    }

    public void Retried() => _retries.Inc();

    public void BreakerOpened() => _trips.Inc();
}
