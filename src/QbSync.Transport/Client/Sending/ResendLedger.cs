using QbSync.Pieces;

namespace QbSync.Transport.Client.Sending;

/// <summary>Pieces of which an attempt failed, so that the bytes of the next one count as sent again. Bounded, thread-safe.</summary>
internal sealed class ResendLedger
{
    // A torrent may be given up with pieces in here; forgetting them only undercounts a metric.
    private const int Most = 65536;

    private readonly Lock _gate = new();
    private readonly HashSet<PieceRef> _failed = [];

    public bool Contains(PieceRef piece)
    {
        lock (_gate)
        {
            return _failed.Contains(piece);
        }
    }

    public void OnFailed(PieceRef piece)
    {
        lock (_gate)
        {
            if (_failed.Count >= Most)
            {
                _failed.Clear();
            }

            _failed.Add(piece);
        }
    }

    public void OnHeld(PieceRef piece)
    {
        lock (_gate)
        {
            _failed.Remove(piece);
        }
    }
}
