using System.Globalization;
using System.Text;
using Prometheus;
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
    private readonly CollectorRegistry _registry;
    private readonly string _mode;
    private readonly FinishedSeries _finished;
    private readonly Gauge _freeSpace;
    private readonly Gauge.Child _minFreeSpace;
    private readonly Counter _torrentsSynced;
    private readonly Counter.Child _finalizationErrors;
    private readonly Counter.Child _tagErrors;
    private readonly Counter.Child _outcomeSuccess;
    private readonly Counter.Child _outcomeFailure;
    private readonly Counter.Child _outcomeAborted;
    private readonly Counter.Child _finishedDropped;
    private readonly Counter.Child _collectErrors;
    private readonly Gauge.Child _activeTorrents;
    private readonly Gauge _torrents;

    public EngineMetrics(IMetricFactory factory, CollectorRegistry registry, string mode)
    {
        _factory = factory;
        _registry = registry;
        _mode = mode;
        _torrentsSynced = factory.CreateCounter("qbsync_torrents_synced_total", "Torrents successfully synced", ["mode", "hash", "name"]);
        _finalizationErrors = factory.CreateCounter("qbsync_finalization_errors_total", "Finalization failures", ["mode"]).WithLabels(mode);
        _tagErrors = factory.CreateCounter("qbsync_tag_application_errors_total", "Failures applying tags in qBittorrent", ["mode"]).WithLabels(mode);
        var outcomes = factory.CreateCounter("qbsync_sync_outcomes_total", "Torrents whose sync ended, by outcome", ["mode", "result"]);
        _outcomeSuccess = outcomes.WithLabels(mode, "success");
        _outcomeFailure = outcomes.WithLabels(mode, "failure");
        _outcomeAborted = outcomes.WithLabels(mode, "aborted");
        _activeTorrents = factory.CreateGauge("qbsync_active_torrents", "Torrents currently being tracked/synced", ["mode"]).WithLabels(mode);
        _torrents = factory.CreateGauge("qbsync_torrents", "Torrents by state of the engine", ["mode", "state"]);
        var dropped = factory.CreateCounter(
            "qbsync_metrics_series_dropped_total", "Torrents without series of their own because of the limit", ["mode", "family"]);
        _finishedDropped = dropped.WithLabels(mode, "finished");
        _collectErrors = SharedMetricFamilies.CollectErrors(factory).WithLabels("engine");
        _finished = new FinishedSeries(1000);
        _freeSpace = factory.CreateGauge("qbsync_free_space_bytes", "Free space of a root at the last look", ["mode", "root"]);
        _minFreeSpace = factory.CreateGauge("qbsync_min_free_space_bytes", "Free space that is kept", ["mode"]).WithLabels(mode);
        if (mode == "source")
        {
            RegisterSource(dropped);
        }
        else
        {
            RegisterDestination(dropped);
        }
    }

    public void FinalizationFailed() => _finalizationErrors.Inc();

    public void TagFailed() => _tagErrors.Inc();

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

    partial void RegisterSource(Counter dropped);

    partial void RegisterDestination(Counter dropped);

    /// <summary>
    /// The label for a torrent's name: no control or format characters, at most 200, the hash for an empty one. Equal on both roles.
    /// </summary>
    internal static string NameLabel(InfoHash id, string name)
    {
        var text = new StringBuilder(Math.Min(name.Length, 200));
        foreach (var c in name.AsSpan(0, Math.Min(name.Length, 200)))
        {
            text.Append(char.GetUnicodeCategory(c) is UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.Surrogate ? '_' : c);
        }

        return text.Length == 0 ? id.ToString() : text.ToString();
    }

    /// <summary>Runs <paramref name="collect"/> before each scrape; what it throws is counted, since the registry would swallow it.</summary>
    private void OnCollect(Action collect)
    {
        _registry.AddBeforeCollectCallback(() =>
        {
            try
            {
                collect();
            }
            catch (Exception e) when (e is not OutOfMemoryException)
            {
                _collectErrors.Inc();
            }
        });
    }

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

    /// <summary>Counts a synced torrent; the labels whose series leave to make room, if any.</summary>
    private (string Hash, string Name)? CountSynced(string hash, string name)
    {
        _outcomeSuccess.Inc();
        var leaving = _finished.Add(hash, name);
        _torrentsSynced.WithLabels(_mode, hash, name).Inc();
        if (leaving is { } old)
        {
            _torrentsSynced.RemoveLabelled(_mode, old.Hash, old.Name);
            _finishedDropped.Inc();
        }

        return leaving;
    }
}
