using QbSync.Torrents;

namespace QbSync.Engine.Source.Streaming;

/// <summary>A piece taken for one attempt.</summary>
internal readonly record struct PieceJob(PieceStream Stream, StreamGrant Grant, int Piece, long Attempt);

/// <summary>
/// Which piece is next: between torrents that download and those that are complete by bytes, one to one; among the former in turn, among the latter
/// in the order that the user chose. While the source is short of space the complete ones get three times as much, since what finishes can leave.
/// Thread-safe; the loop replaces the lists.
/// </summary>
/// <param name="isFair">Whether the complete ones take turns, a megabyte each, instead of the first one coming first.</param>
/// <param name="maxActive">Torrents with pieces on their way at once; 0 for no bound.</param>
internal sealed class StreamScheduler(CapacityHold capacity, bool isFair = false, int maxActive = 0)
{
    private const long Quantum = 4 << 20;

    // Small enough that ten torrents have several turns a minute on a link of half a megabyte a second.
    private const long Turn = 1 << 20;
    private const int BacklogWeightWhenShort = 3;
    private readonly Lock _gate = new();
    private readonly ActiveLimit _active = new(maxActive);
    private bool _isFair = isFair;
    private PieceStream[] _live = [];
    private PieceStream[] _backlog = [];
    private int _nextLive;
    private InfoHash _turn; // of the backlog, where it takes turns
    private long _turnLeft;
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

    /// <summary>Another order, another bound; in force with the next piece.</summary>
    public void Configure(bool isFair, int maxActive)
    {
        lock (_gate)
        {
            _isFair = isFair;
            _active.Most = maxActive;
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
            _active.Refresh();
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
        var bytes = LengthOf(job);
        var limit = Math.Max(Quantum, bytes);
        _liveAhead = Math.Clamp(_liveAhead + (live ? bytes : -bytes / _backlogWeight), -limit, limit);
    }

    private bool TryLive_NeedsLock(TimeSpan now, out PieceJob job)
    {
        for (var i = 0; i < _live.Length; i++)
        {
            var at = (_nextLive + i) % _live.Length;
            if (TryTake_NeedsLock(_live[at], now, out job))
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
        if (_isFair)
        {
            return TryTurn_NeedsLock(now, out job);
        }

        foreach (var stream in _backlog)
        {
            if (stream.Neglect.IsDue(now, Quantum) && TryTake_NeedsLock(stream, now, out job))
            {
                stream.Neglect.OnHelped(LengthOf(job));
                return true;
            }
        }

        foreach (var stream in _backlog)
        {
            if (TryTake_NeedsLock(stream, now, out job))
            {
                stream.Neglect.OnServed(now);
                return true;
            }
        }

        job = default;
        return false;
    }

    /// <summary>A little of each torrent in turn; whose turn it is is known by its id, since the list is made anew all the time.</summary>
    private bool TryTurn_NeedsLock(TimeSpan now, out PieceJob job)
    {
        var last = Array.FindIndex(_backlog, stream => stream.Id == _turn);
        var goesOn = last >= 0 && _turnLeft > 0;
        for (var i = 0; i < _backlog.Length; i++)
        {
            var stream = _backlog[(last + (goesOn ? 0 : 1) + i) % _backlog.Length];
            if (!TryTake_NeedsLock(stream, now, out job))
            {
                continue;
            }

            (_turn, _turnLeft) = (stream.Id, (goesOn && i == 0 ? _turnLeft : Turn) - LengthOf(job));
            return true;
        }

        job = default;
        return false;
    }

    private static long LengthOf(in PieceJob job) => job.Stream.Layout.Manifest.GetPieceLength(job.Piece);

    private bool TryTake_NeedsLock(PieceStream stream, TimeSpan now, out PieceJob job)
    {
        job = default;
        if (stream.Grant is not { } grant || stream.IsFrozen || stream.IsPaused(now) || !_active.Allows(stream))
        {
            return false;
        }

        var attempt = Interlocked.Increment(ref _lastAttempt);
        if (!stream.Table.TryTake(now, attempt, out var piece))
        {
            return false;
        }

        _active.OnTaken(stream);
        job = new PieceJob(stream, grant, piece, attempt);
        return true;
    }
}
