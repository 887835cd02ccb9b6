using Prometheus;
using QbSync.Engine.Source;
using QbSync.MetricFamilies;
using QbSync.Torrents;

namespace QbSync.Engine;

/// <summary>
/// The series of torrents that are being synced: born when their manifest is known, gone when they leave, after a sync only 60 s later, so that a torrent
/// faster than a scrape is seen at its end. Bounded; who is tracked longest keeps its place. Thread-safe, since scrapes overlap.
/// </summary>
internal sealed class LiveSeries(IMetricFactory factory, ScrapedOwner owner, SeriesLimits limits)
{
    private static readonly TimeSpan Linger = TimeSpan.FromSeconds(60);
    private readonly Lock _gate = new();
    private readonly Gauge _pieces = owner.Add(factory.CreateGauge("qbsync_torrent_pieces", "Total pieces per tracked torrent", ["hash", "name"]));
    private readonly Gauge _streamed = owner.Add(factory.CreateGauge(
        "qbsync_torrent_pieces_streamed", "Pieces synced to destination per tracked torrent", ["hash", "name"]));

    private readonly Gauge _bytes =
        owner.Add(factory.CreateGauge("qbsync_torrent_size_bytes", "Total size in bytes per tracked torrent", ["hash", "name"]));

    private readonly Gauge _ratio = owner.Add(factory.CreateGauge(
        "qbsync_torrent_progress_ratio", "Share of a tracked torrent's pieces that the destination holds", ["hash", "name"]));

    private readonly Gauge _pending = owner.Add(factory.CreateGauge(
        "qbsync_oldest_pending_sync_seconds", "Age of each torrent waiting to sync", ["hash", "name"]));

    private readonly Dictionary<InfoHash, Shown> _shown = [];
    private readonly HashSet<InfoHash> _dropped = [];

    /// <summary>Makes the series say what the report says; the number of torrents that found no place for the first time.</summary>
    public int Show(SourceReport report)
    {
        lock (_gate)
        {
            HashSet<InfoHash> present = new(report.Torrents.Count);
            List<SourceReport.Torrent> newcomers = [];
            foreach (var torrent in report.Torrents)
            {
                if (!HasSeries(torrent, report.At))
                {
                    continue;
                }

                present.Add(torrent.Id);
                if (_shown.TryGetValue(torrent.Id, out var shown))
                {
                    Set(shown, torrent, report.At);
                }
                else
                {
                    newcomers.Add(torrent);
                }
            }

            foreach (var gone in _shown.Keys.Where(id => !present.Contains(id)).ToArray())
            {
                Remove_NeedsLock(gone);
            }

            _dropped.IntersectWith(present);
            return TakeIn_NeedsLock(newcomers, report.At);
        }
    }

    /// <summary>On its way, or synced a short while ago.</summary>
    private static bool HasSeries(SourceReport.Torrent torrent, DateTimeOffset now) =>
        torrent.IsLive || (torrent.SyncedAt is { } at && now - at < Linger);

    /// <summary>Gives free places to those that are tracked longest; the number of those that get none and did not count yet.</summary>
    private int TakeIn_NeedsLock(List<SourceReport.Torrent> newcomers, DateTimeOffset now)
    {
        if (_shown.Count + newcomers.Count > limits.Live)
        {
            newcomers.Sort(static (a, b) => a.TrackedSince.CompareTo(b.TrackedSince) is var order and not 0
                ? order : string.CompareOrdinal(a.Id.ToString(), b.Id.ToString()));
        }

        var dropped = 0;
        foreach (var torrent in newcomers)
        {
            if (_shown.Count >= limits.Live)
            {
                dropped += _dropped.Add(torrent.Id) ? 1 : 0;
                continue;
            }

            // The name stays as it is at birth: a rename must not split the series.
            var shown = new Shown(torrent.Id.ToString(), limits.NameLabel(torrent.Id, torrent.Name));
            _shown.Add(torrent.Id, shown);
            Set(shown, torrent, now);
        }

        return dropped;
    }

    private void Set(Shown shown, SourceReport.Torrent torrent, DateTimeOffset now)
    {
        _pieces.WithLabels(shown.Hash, shown.Name).Set(torrent.Pieces);
        _streamed.WithLabels(shown.Hash, shown.Name).Set(torrent.PiecesDone);
        _bytes.WithLabels(shown.Hash, shown.Name).Set(torrent.Bytes);
        _ratio.WithLabels(shown.Hash, shown.Name).Set(torrent.Pieces == 0 ? 1 : (double)torrent.PiecesDone / torrent.Pieces);
        if (torrent.IsLive && torrent.PendingSince is { } since)
        {
            _pending.WithLabels(shown.Hash, shown.Name).Set(Math.Max(0, (now - since).TotalSeconds));
        }
        else
        {
            _pending.RemoveLabelled(shown.Hash, shown.Name);
        }
    }

    private void Remove_NeedsLock(InfoHash id)
    {
        _shown.Remove(id, out var shown);
        foreach (var family in (ReadOnlySpan<Gauge>)[_pieces, _streamed, _bytes, _ratio, _pending])
        {
            family.RemoveLabelled(shown!.Hash, shown.Name);
        }
    }

    private sealed record Shown(string Hash, string Name);
}
