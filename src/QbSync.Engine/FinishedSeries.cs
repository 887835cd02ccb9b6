namespace QbSync.Engine;

/// <summary>Which finished torrents have series: those that finished last, up to a limit. Thread-safe.</summary>
internal sealed class FinishedSeries(int limit)
{
    private readonly Lock _gate = new();
    private readonly LinkedList<(string Hash, string Name)> _order = [];
    private readonly Dictionary<string, LinkedListNode<(string Hash, string Name)>> _byHash = [];

    /// <summary>Takes a torrent in, or moves it to the end; the one that has to leave, if any.</summary>
    public (string Hash, string Name)? Add(string hash, string name)
    {
        lock (_gate)
        {
            if (_byHash.Remove(hash, out var known))
            {
                _order.Remove(known);
            }

            _byHash[hash] = _order.AddLast((hash, name));
            if (_order.Count <= limit)
            {
                return null;
            }

            var oldest = _order.First!.Value;
            _order.RemoveFirst();
            _byHash.Remove(oldest.Hash);
            return oldest;
        }
    }
}
