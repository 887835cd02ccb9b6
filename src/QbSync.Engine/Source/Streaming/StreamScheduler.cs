namespace QbSync.Engine.Source.Streaming;

/// <summary>A piece taken for one attempt.</summary>
internal readonly record struct PieceJob(PieceStream Stream, StreamGrant Grant, int Piece, long Attempt);

/// <summary>
/// Which piece is next: between torrents that download and those that are complete by bytes, one to one; among the former in turn, among the latter
/// the one with the least left. While the source is short of space the complete ones get three times as much, since what finishes can leave.
/// Thread-safe; the loop replaces the lists.
/// </summary>
internal sealed class StreamScheduler(CapacityHold capacity)
{
    private const long Quantum = 4 << 20;
    private const int BacklogWeightWhenShort = 3;
    private readonly Lock _gate = new();
    private PieceStream[] _live = [];
    private PieceStream[] _backlog = [];
    private int _nextLive;
    private long _liveAhead;
    private long _lastAttempt;
    private int _backlogWeight = 1;

    /// <summary>The number that the next attempt will have.</summary>
    public long NextAttempt => Interlocked.Read(ref _lastAttempt) + 1;

    /// <summary>Torrents that may send; the backlog in the order in which it is served.</summary>
    public void Replace(PieceStream[] live, PieceStream[] backlog)
    {
        lock (_gate)
        {
            _live = live;
            _backlog = backlog;
            _nextLive = live.Length == 0 ? 0 : _nextLive % live.Length;
        }
    }

    /// <summary>Whether the source is short of space; in force with the next piece.</summary>
    public void SetShortOfSpace(bool isShort)
    {
        lock (_gate)
        {
            _backlogWeight = isShort ? BacklogWeightWhenShort : 1;
        }
    }

    public bool TryNext(TimeSpan now, out PieceJob job)
    {
        job = default;
        if (!capacity.TryEnter(now))
        {
            return false;
        }

        lock (_gate)
        {
            var liveFirst = _liveAhead <= 0;
            if (liveFirst ? TryLive_NeedsLock(now, out job) : TryBacklog_NeedsLock(now, out job))
            {
                Charge_NeedsLock(job, liveFirst);
                return true;
            }

            // The lane whose turn it is has nothing to send: it yields, and has no claim on what it did not use.
            _liveAhead = 0;
            if (liveFirst ? TryBacklog_NeedsLock(now, out job) : TryLive_NeedsLock(now, out job))
            {
                return true;
            }
        }

        capacity.TryEnded();
        return false;
    }

    private void Charge_NeedsLock(in PieceJob job, bool live)
    {
        var bytes = (long)job.Stream.Layout.Manifest.GetPieceLength(job.Piece);
        var limit = Math.Max(Quantum, bytes);
        _liveAhead = Math.Clamp(_liveAhead + (live ? bytes : -bytes / _backlogWeight), -limit, limit);
    }

    private bool TryLive_NeedsLock(TimeSpan now, out PieceJob job)
    {
        for (var i = 0; i < _live.Length; i++)
        {
            var at = (_nextLive + i) % _live.Length;
            if (TryTake(_live[at], now, out job))
            {
                _nextLive = (at + 1) % _live.Length;
                return true;
            }
        }

        job = default;
        return false;
    }

    private bool TryBacklog_NeedsLock(TimeSpan now, out PieceJob job)
    {
        foreach (var stream in _backlog)
        {
            if (TryTake(stream, now, out job))
            {
                return true;
            }
        }

        job = default;
        return false;
    }

    private bool TryTake(PieceStream stream, TimeSpan now, out PieceJob job)
    {
        job = default;
        if (stream.Grant is not { } grant || stream.IsFrozen || stream.IsPaused(now))
        {
            return false;
        }

        var attempt = Interlocked.Increment(ref _lastAttempt);
        if (!stream.Table.TryTake(now, attempt, out var piece))
        {
            return false;
        }

        job = new PieceJob(stream, grant, piece, attempt);
        return true;
    }
}
