using Prometheus;
using QbSync.Engine.Source;
using QbSync.Torrents;

namespace QbSync.Engine;

/// <summary>
/// The series of torrents that are being synced: born when their manifest is known, gone when they leave, after a sync only 60 s later, so that a torrent
/// faster than a scrape is seen at its end. Bounded; who is tracked longest keeps its place. Thread-safe, since scrapes overlap.
/// </summary>
internal sealed class LiveSeries(IMetricFactory factory, int limit)
{
    private static readonly TimeSpan Linger = TimeSpan.FromSeconds(60);
    private readonly Lock _gate = new();
    private readonly Gauge _pieces = factory.CreateGauge("qbsync_torrent_pieces", "Total pieces per tracked torrent", ["hash", "name"]);
    private readonly Gauge _streamed = factory.CreateGauge(
        "qbsync_torrent_pieces_streamed", "Pieces synced to destination per tracked torrent", ["hash", "name"]);

    private readonly Gauge _bytes = factory.CreateGauge("qbsync_torrent_size_bytes", "Total size in bytes per tracked torrent", ["hash", "name"]);
    private readonly Gauge _ratio = factory.CreateGauge(
        "qbsync_torrent_progress_ratio", "Share of a tracked torrent's pieces that the destination holds", ["hash", "name"]);

    private readonly Gauge _pending = factory.CreateGauge(
        "qbsync_oldest_pending_sync_seconds", "Age of each torrent waiting to sync", ["hash", "name"]);

    private readonly Dictionary<InfoHash, Shown> _shown = [];
    private readonly HashSet<InfoHash> _dropped = [];

    /// <summary>Makes the series say what the report says; the number of torrents that found no place for the first time.</summary>
    public int Show(SourceReport report)
    {
        lock (_gate)
        {
            var dropped = 0;
            HashSet<InfoHash> present = [];
            foreach (var torrent in report.Torrents)
            {
                present.Add(torrent.Id);
                if (!torrent.IsLive)
                {
                    ShowEnded_NeedsLock(torrent, report.At);
                }
                else if (_shown.Count < limit || _shown.ContainsKey(torrent.Id))
                {
                    Show_NeedsLock(torrent, report.At);
                }
                else
                {
                    dropped += _dropped.Add(torrent.Id) ? 1 : 0;
                }
            }

            foreach (var gone in _shown.Keys.Where(id => !present.Contains(id)).ToArray())
            {
                Remove_NeedsLock(gone);
            }

            _dropped.IntersectWith(present);
            return dropped;
        }
    }

    private void Show_NeedsLock(SourceReport.Torrent torrent, DateTimeOffset now)
    {
        if (!_shown.TryGetValue(torrent.Id, out var shown))
        {
            shown = new Shown(torrent.Id.ToString(), EngineMetrics.NameLabel(torrent.Id, torrent.Name), null);
        }

        _shown[torrent.Id] = shown with { EndedAt = null };
        Set_NeedsLock(shown, torrent);
        if (torrent.PendingSince is { } since)
        {
            _pending.WithLabels(shown.Hash, shown.Name).Set(Math.Max(0, (now - since).TotalSeconds));
        }
        else
        {
            _pending.RemoveLabelled(shown.Hash, shown.Name);
        }
    }

    private void ShowEnded_NeedsLock(SourceReport.Torrent torrent, DateTimeOffset now)
    {
        if (!_shown.TryGetValue(torrent.Id, out var shown))
        {
            return;
        }

        if (torrent.State != TorrentSyncState.Synced || (shown.EndedAt is { } ended && now - ended >= Linger))
        {
            Remove_NeedsLock(torrent.Id);
            return;
        }

        _shown[torrent.Id] = shown with { EndedAt = shown.EndedAt ?? now };
        _pending.RemoveLabelled(shown.Hash, shown.Name);
        Set_NeedsLock(shown, torrent);
    }

    private void Set_NeedsLock(Shown shown, SourceReport.Torrent torrent)
    {
        _pieces.WithLabels(shown.Hash, shown.Name).Set(torrent.Pieces);
        _streamed.WithLabels(shown.Hash, shown.Name).Set(torrent.PiecesDone);
        _bytes.WithLabels(shown.Hash, shown.Name).Set(torrent.Bytes);
        _ratio.WithLabels(shown.Hash, shown.Name).Set(torrent.Pieces == 0 ? 1 : (double)torrent.PiecesDone / torrent.Pieces);
    }

    private void Remove_NeedsLock(InfoHash id)
    {
        if (!_shown.Remove(id, out var shown))
        {
            return;
        }

        foreach (var family in (ReadOnlySpan<Gauge>)[_pieces, _streamed, _bytes, _ratio, _pending])
        {
            family.RemoveLabelled(shown.Hash, shown.Name);
        }
    }

    private sealed record Shown(string Hash, string Name, DateTimeOffset? EndedAt);
}
