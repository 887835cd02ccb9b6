using Prometheus;

namespace QbSync.MetricFamilies;

/// <summary>Families that two packages own together. Linked into both, because one name with two label sets would be accepted in silence.</summary>
internal static class SharedMetricFamilies
{
    public static Gauge CircuitBreakerState(IMetricFactory factory) => factory.CreateGauge(
        "qbsync_circuit_breaker_state", "Circuit breaker state: 0=closed, 1=open, 2=half-open", ["mode", "component"]);

    public static Counter CircuitBreakerTrips(IMetricFactory factory) => factory.CreateCounter(
        "qbsync_circuit_breaker_trips_total", "Circuit breaker trips", ["mode", "component"]);

    public static Counter StreamOpenErrors(IMetricFactory factory) => factory.CreateCounter(
        "qbsync_stream_open_errors_total", "Stream open or poll failures", ["mode"]);

    public static Counter StateSaveErrors(IMetricFactory factory) => factory.CreateCounter(
        "qbsync_state_save_errors_total", "Failures saving torrent state to disk", ["mode"]);

    /// <summary>Counts what an owner threw when its state was read for a scrape; the owner is a package in lower case.</summary>
    public static Counter CollectErrors(IMetricFactory factory) => factory.CreateCounter(
        "qbsync_metrics_collect_errors_total", "Failures reading an owner's state at a scrape", ["owner"]);
}
