using System.Reflection;
using Prometheus;
using QbSync.MetricFamilies;

namespace QbSync.Host;

/// <summary>Families that the host itself moves.</summary>
internal sealed class HostMetrics
{
    private readonly Counter.Child _healthHits;
    private readonly Counter.Child _healthMisses;

    public HostMetrics(IMetricFactory factory, string mode)
    {
        var health = factory.CreateCounter("qbsync_health_check_cache_total", "Health check cache hits/misses", ["result"]);
        _healthHits = health.WithLabels("hit");
        _healthMisses = health.WithLabels("miss");
        var build = factory.CreateGauge("qbsync_build_info", "Version of the running program.", ["mode", "version", "revision", "framework"]);
        build.WithLabels(mode, Version, Revision, Environment.Version.ToString()).Set(1);
        SharedMetricFamilies.CollectErrors(factory).WithLabels("host"); // nothing of the host is read at a scrape: its count stays 0
    }

    public static string Version { get; } = Informational.Split('+')[0];

    private static string Revision { get; } = Informational.Split('+') is [_, var revision] ? revision : "";

    private static string Informational =>
        typeof(HostMetrics).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "0";

    public void HealthChecked(bool hit) => (hit ? _healthHits : _healthMisses).Inc();
}
