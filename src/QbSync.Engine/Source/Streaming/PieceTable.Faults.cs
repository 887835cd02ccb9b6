using QbSync.Engine.Shared;

namespace QbSync.Engine.Source.Streaming;

internal sealed partial class PieceTable
{
    private const int RejectionsToStrike = 5;
    private static readonly TimeSpan Window = TimeSpan.FromMinutes(10);
    private static readonly Backoff Unreadable = new(TimeSpan.FromMilliseconds(500), TimeSpan.FromSeconds(30));
    private static readonly Backoff Rejected = new(TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(60));
    private readonly Dictionary<int, PieceFaults> _faults = [];

    /// <summary>
    /// The piece could not be read, or did not hash here: the client may not have flushed it. True when that has gone on for 10 minutes, which is a strike.
    /// </summary>
    /// <param name="counts">Whether it counts against the torrent: a disk that fails is no fault of what lies on it.</param>
    public bool ReturnUnread(int piece, long attempt, TimeSpan now, double chance, bool counts = true)
    {
        lock (_gate)
        {
            if (!End_NeedsLock(piece, attempt, out var wasSent))
            {
                return false;
            }

            _losses += wasSent ? 1 : 0;
            var faults = _faults.GetValueOrDefault(piece);
            var since = faults.Unread == 0 || !counts ? now : faults.UnreadSince;
            var strike = now - since >= Window;
            var count = faults.Unread + 1;
            _faults[piece] = faults with { Unread = count, UnreadSince = strike ? now : since, Due = now + Unreadable.Near(count, chance) };
            Offer_NeedsLock(piece, retried: true);
            return strike;
        }
    }

    /// <summary>What could not be read so far had its reason in the client: the ten minutes of each piece begin anew.</summary>
    public void ForgiveUnread()
    {
        lock (_gate)
        {
            foreach (var (piece, faults) in _faults.ToArray())
            {
                _faults[piece] = faults with { Unread = 0 };
            }
        }
    }

    /// <summary>The destination found another hash than we did. True for the fifth time in 10 minutes, which is a strike.</summary>
    public bool Reject(int piece, long attempt, TimeSpan now)
    {
        lock (_gate)
        {
            if (!End_NeedsLock(piece, attempt, out _))
            {
                return false;
            }

            _nacks++;
            var faults = _faults.GetValueOrDefault(piece);
            var fresh = faults.Rejections == 0 || now - faults.RejectedSince > Window;
            var count = fresh ? 1 : faults.Rejections + 1;
            var strike = count >= RejectionsToStrike;
            _faults[piece] = faults with
            {
                Rejections = strike ? 0 : count,
                RejectedSince = fresh ? now : faults.RejectedSince,
                Due = now + Rejected.After(count),
            };
            Offer_NeedsLock(piece, retried: true);
            return strike;
        }
    }

    /// <summary>A nack that asks for a pause of this piece alone; false when it is not of the attempt in flight.</summary>
    public bool NackUntil(int piece, long attempt, TimeSpan due)
    {
        lock (_gate)
        {
            if (!End_NeedsLock(piece, attempt, out _))
            {
                return false;
            }

            _nacks++;
            _faults[piece] = _faults.GetValueOrDefault(piece) with { Due = due };
            Offer_NeedsLock(piece, retried: true);
            return true;
        }
    }

    private bool IsDue_NeedsLock(int piece, TimeSpan now)
    {
        if (!_faults.TryGetValue(piece, out var faults) || faults.Due == TimeSpan.Zero)
        {
            // Offered anew since it was put off: it is in the other queue already.
            return false;
        }

        if (faults.Due > now)
        {
            return false;
        }

        _faults[piece] = faults with { Due = TimeSpan.Zero };
        return true;
    }

    private readonly record struct PieceFaults(int Unread, TimeSpan UnreadSince, int Rejections, TimeSpan RejectedSince, TimeSpan Due);
}
