using Microsoft.Extensions.Logging;
using Prometheus;
using QbSync.Engine.Shared;
using QbSync.MetricFamilies;
using QbSync.Torrents;

namespace QbSync.Engine;

/// <summary>
/// The engine's metric families: names, labels, help and buckets stand here and in the partials only. One instance per registry, thread-safe.
/// What both roles own is here; a role's own families are registered for that role only.
/// </summary>
internal sealed partial class EngineMetrics
{
    private readonly IMetricFactory _factory;
    private readonly string _mode;
    private readonly Live<SeriesLimits> _limits;
    private readonly ScrapedOwner _scraped;
    private volatile bool _isRetired;
    private FinishedSeries _finished = null!;
    private readonly Gauge _freeSpace;
    private readonly Gauge.Child _minFreeSpace;
    private readonly Counter _torrentsSynced;
    private readonly Counter.Child _finalizationErrors;
    private readonly Counter.Child _tagErrors;
    private readonly Counter.Child _outcomeSuccess;
    private readonly Counter.Child _outcomeFailure;
    private readonly Counter.Child _outcomeAborted;
    private readonly Counter.Child _finishedDropped;
    private readonly Counter.Child[] _violations;
    private readonly Gauge.Child _activeTorrents;
    private readonly Gauge _torrents;

    /// <param name="factory">Makes the families.</param>
    /// <param name="registry">The registry that is scraped.</param>
    /// <param name="mode">The role, a label.</param>
    /// <param name="limits">How many torrents have series, and under which names.</param>
    /// <param name="loggers">Where a scrape that cannot read the engine is told.</param>
    public EngineMetrics(IMetricFactory factory, CollectorRegistry registry, string mode, SeriesLimits limits, ILoggerFactory loggers)
    {
        _factory = factory;
        _mode = mode;
        _limits = new Live<SeriesLimits>(limits);
        var logger = loggers.CreateLogger<EngineMetrics>();
        _scraped = new ScrapedOwner(factory, registry, "engine", fault => Log.NotReadable(logger, fault));
        _torrentsSynced = factory.CreateCounter("qbsync_torrents_synced_total", "Torrents successfully synced", ["mode", "hash", "name"]);
        _finalizationErrors = factory.CreateCounter("qbsync_finalization_errors_total", "Finalization failures", ["mode"]).WithLabels(mode);
        _tagErrors = factory.CreateCounter("qbsync_tag_application_errors_total", "Failures applying tags in qBittorrent", ["mode"]).WithLabels(mode);
        var outcomes = factory.CreateCounter("qbsync_sync_outcomes_total", "Torrents whose sync ended, by outcome", ["mode", "result"]);
        _outcomeSuccess = outcomes.WithLabels(mode, "success");
        _outcomeFailure = outcomes.WithLabels(mode, "failure");
        _outcomeAborted = outcomes.WithLabels(mode, "aborted");
        _activeTorrents = CreateGauge("qbsync_active_torrents", "Torrents currently being tracked/synced", "mode").WithLabels(mode);
        _torrents = CreateGauge("qbsync_torrents", "Torrents by state of the engine", "mode", "state");
        var violations = factory.CreateCounter(
            "qbsync_client_state_violations_total", "Torrents whose client contradicts what it was told", ["mode", "kind"]);
        _violations = [.. ((string[])["active", "downloading", "missing_files", "errored"]).Select(kind => violations.WithLabels(mode, kind))];
        var dropped = factory.CreateCounter(
            "qbsync_metrics_series_dropped_total", "Torrents without series of their own because of the limit", ["family"]);
        _finishedDropped = dropped.WithLabels("finished");
        _freeSpace = CreateGauge("qbsync_free_space_bytes", "Free space of a root at the last look", "mode", "root");
        _minFreeSpace = CreateGauge("qbsync_min_free_space_bytes", "Free space that is kept", "mode").WithLabels(mode);
        if (mode == "source")
        {
            RegisterSource(dropped);
        }
        else
        {
            RegisterDestination(dropped);
        }
    }

    /// <summary>The engine is gone: what it showed of itself reads 0 or is absent from now on, while counters stay.</summary>
    public void Retire() => _isRetired = true;

    public void FinalizationFailed() => _finalizationErrors.Inc();

    public void TagFailed() => _tagErrors.Inc();

    /// <summary>The client shows something else than it was told; once a torrent and episode.</summary>
    public void ClientViolated(ClientViolation kind) => _violations[(int)kind].Inc();

    public void SyncAborted() => _outcomeAborted.Inc();

    /// <summary>Free space is absent while it is not known, never 0.</summary>
    private void ShowSpace(string root, long? free, long least)
    {
        _minFreeSpace.Set(least);
        if (free is { } bytes)
        {
            _freeSpace.WithLabels(_mode, root).Set(bytes);
        }
        else
        {
            _freeSpace.RemoveLabelled(_mode, root);
        }
    }

    /// <summary>Nobody looks at the roots any more.</summary>
    private void HideSpace()
    {
        foreach (var labels in _freeSpace.GetAllLabelValues().ToArray())
        {
            _freeSpace.RemoveLabelled(labels);
        }
    }

    partial void RegisterSource(Counter dropped);

    partial void RegisterDestination(Counter dropped);

    /// <summary>
    /// The label for a torrent's name: no control or format characters, at most 200, the hash for an empty one. Equal on both roles.
    /// </summary>
    private string NameLabel(InfoHash id, string name) => _limits.Current.NameLabel(id, name);

    /// <summary>Which names series that are born from now on have.</summary>
    public void Apply(SeriesLimits limits) => _limits.Replace(limits);

    /// <summary>A gauge of the engine, absent from a scrape that cannot read the engine.</summary>
    private Gauge CreateGauge(string name, string help, params string[] labels) => _scraped.Add(_factory.CreateGauge(name, help, labels));

    /// <summary>One gauge for each member of a role's state enum, by its number.</summary>
    private Gauge.Child[] CreateStateGauges(params ReadOnlySpan<string> states)
    {
        var children = new Gauge.Child[states.Length];
        for (var i = 0; i < states.Length; i++)
        {
            children[i] = _torrents.WithLabels(_mode, states[i]);
        }

        return children;
    }

    /// <summary>Counts a synced torrent.</summary>
    private void CountSynced(InfoHash id, string name, long bytes = 0, DateTimeOffset at = default)
    {
        _outcomeSuccess.Inc();
        if (_finished.Count(id, NameLabel(id, name), bytes, at))
        {
            _finishedDropped.Inc();
        }
    }
}
