using QbSync.Pieces;

namespace QbSync.Engine.Source.Streaming;

/// <summary>What the destination holds, told again while pieces are on their way.</summary>
internal sealed partial class PieceTable
{
    /// <summary>Pieces that were acknowledged since the destination was asked: its answer may be older than they are. Null while it is not asked.</summary>
    private HashSet<int>? _since;

    /// <summary>The destination is about to be asked what it holds.</summary>
    public void BeginQuestion()
    {
        lock (_gate)
        {
            _since = [];
        }
    }

    /// <summary>It answered.</summary>
    public void EndQuestion(PieceBitmap have, PieceBitmap deferred)
    {
        lock (_gate)
        {
            Apply_NeedsLock(have, deferred, _since);
            _since = null;
        }
    }

    /// <summary>It did not answer.</summary>
    public void EndQuestion()
    {
        lock (_gate)
        {
            _since = null;
        }
    }

    /// <summary>Whether an attempt up to this one is not answered yet.</summary>
    public bool HasInFlightUpTo(long attempt)
    {
        lock (_gate)
        {
            foreach (var (piece, current) in _attempts)
            {
                if (current.Number <= attempt && _states[piece] == PieceState.InFlight)
                {
                    return true;
                }
            }

            return false;
        }
    }

    private void Apply_NeedsLock(PieceBitmap have, PieceBitmap deferred, HashSet<int>? except)
    {
        for (var piece = _needed.NextSet(0); piece >= 0; piece = _needed.NextSet(piece + 1))
        {
            var held = have[piece] || deferred[piece];
            if (held && _states[piece] != PieceState.Acknowledged)
            {
                Acknowledge_NeedsLock(piece);
            }
            else if (!held && _states[piece] == PieceState.Acknowledged && except?.Contains(piece) != true)
            {
                _acknowledged--;
                _takenBack++;
                _states[piece] = PieceState.Absent;
                Settle_NeedsLock(piece);
            }

            if (have[piece])
            {
                _promised.Clear(piece);
            }
            else if (deferred[piece])
            {
                _promised.Set(piece);
            }
        }
    }
}
