using Prometheus;
using QbSync.Torrents;

namespace QbSync.Engine;

/// <summary>
/// The series of torrents that are synced: those that finished last have some, up to a limit; the oldest one's go together. Thread-safe: who counts and who makes
/// room take turns, so that no series of one that left comes back, while a scrape takes no part in that.
/// </summary>
/// <param name="limit">Torrents that have series at most.</param>
/// <param name="mode">The role, a label.</param>
/// <param name="synced">How often a torrent was synced.</param>
/// <param name="bytes">Bytes that its syncs brought; null for a role that does not tell.</param>
/// <param name="syncedAt">When that was last; null for a role that does not tell.</param>
internal sealed class FinishedSeries(int limit, string mode, Counter synced, Counter? bytes = null, Gauge? syncedAt = null)
{
    private readonly Lock _gate = new();
    private readonly LinkedList<Finished> _order = [];
    private readonly Dictionary<string, LinkedListNode<Finished>> _byHash = new(StringComparer.Ordinal);
    private volatile Finished[]? _shown = [];

    /// <summary>Counts a sync, and makes its torrent the one that finished last; whether another one, or it itself, got no series for that.</summary>
    public bool Count(InfoHash id, string name, long brought, DateTimeOffset at)
    {
        var hash = id.ToString();
        lock (_gate)
        {
            if (limit == 0)
            {
                return true;
            }

            if (_byHash.Remove(hash, out var known))
            {
                _order.Remove(known);
            }

            // The name stays as it is at birth: a rename must not split the series.
            var finished = known?.Value ?? new Finished(hash, name, syncedAt?.WithLabels(hash, name));
            finished.At = at.ToUnixTimeMilliseconds() / 1000.0;
            synced.WithLabels(mode, hash, finished.Name).Inc();
            bytes?.WithLabels(hash, finished.Name).Inc(brought);
            _byHash[hash] = _order.AddLast(finished);
            _shown = null;
            return _order.Count > limit && RemoveOldest_NeedsLock();
        }
    }

    /// <summary>Makes the gauge say when each was synced. For a scrape.</summary>
    public void Show()
    {
        foreach (var finished in _shown ?? List())
        {
            finished.Show();
        }
    }

    private Finished[] List()
    {
        lock (_gate)
        {
            return _shown = [.. _order];
        }
    }

    private bool RemoveOldest_NeedsLock()
    {
        var oldest = _order.First!.Value;
        _order.RemoveFirst();
        _byHash.Remove(oldest.Hash);
        synced.RemoveLabelled(mode, oldest.Hash, oldest.Name);
        bytes?.RemoveLabelled(oldest.Hash, oldest.Name);
        syncedAt?.RemoveLabelled(oldest.Hash, oldest.Name);
        return true;
    }

    private sealed class Finished(string hash, string name, Gauge.Child? at)
    {
        private double _at;

        public string Hash => hash;

        public string Name => name;

        public double At
        {
            set => Volatile.Write(ref _at, value);
        }

        public void Show() => at?.Set(Volatile.Read(ref _at));
    }
}
