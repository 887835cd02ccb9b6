using QbSync.Pieces;

namespace QbSync.Engine.Source.Streaming;

/// <summary>
/// The state of every piece of one torrent. Workers, link and loop change it under one gate; polls touch only absent and available pieces.
/// Each send has an attempt number: a nack of another attempt is ignored, a success of any attempt of this grant counts once.
/// </summary>
internal sealed partial class PieceTable
{
    private readonly Lock _gate = new();
    private readonly PieceState[] _states;
    private readonly PieceBitmap _client;
    private readonly PieceBitmap _promised;
    private readonly Dictionary<int, Attempt> _attempts = [];
    private readonly ReadyPieces _ready;
    private readonly ReadyPieces _retries;
    private readonly PriorityQueue<int, TimeSpan> _delayed = new();
    private PieceBitmap _needed;
    private int _available;
    private int _acknowledged;
    private long _firstAttemptOfGrant;
    private long _sent;
    private long _nacks;
    private long _losses;
    private long _takenBack;
    private long _payloadAcknowledged;

    public PieceTable(PieceLayout layout)
    {
        var pieces = layout.Manifest.PieceCount;
        _states = new PieceState[pieces];
        _client = new PieceBitmap(pieces);
        _promised = new PieceBitmap(pieces);
        _ready = new ReadyPieces(pieces);
        _retries = new ReadyPieces(pieces);
        _needed = layout.CopySelected();
    }

    public int PieceCount => _states.Length;

    public bool IsAllAcknowledged
    {
        get
        {
            lock (_gate)
            {
                return _acknowledged == _needed.Count;
            }
        }
    }

    /// <summary>Pieces that are queued, being read or on their way.</summary>
    public int Out
    {
        get
        {
            lock (_gate)
            {
                return _attempts.Count;
            }
        }
    }

    /// <summary>Whether a piece is to be sent, or is on its way.</summary>
    public bool HasWork
    {
        get
        {
            lock (_gate)
            {
                return _available > 0 || _attempts.Count > 0;
            }
        }
    }

    public PieceCounts Counts
    {
        get
        {
            lock (_gate)
            {
                var inFlight = 0;
                foreach (var piece in _attempts.Keys)
                {
                    inFlight += _states[piece] == PieceState.InFlight ? 1 : 0;
                }

                return new PieceCounts(
                    _needed.Count, _available, _attempts.Count, inFlight, _acknowledged, _sent, _nacks, _losses, _takenBack, _payloadAcknowledged);
            }
        }
    }

    public PieceState this[int piece]
    {
        get
        {
            lock (_gate)
            {
                return _states[piece];
            }
        }
    }

    /// <summary>Which pieces the client has now.</summary>
    public void ApplyClient(PieceBitmap has)
    {
        lock (_gate)
        {
            for (var piece = 0; piece < _states.Length; piece++)
            {
                if (has[piece])
                {
                    _client.Set(piece);
                }
                else
                {
                    _client.Clear(piece);
                }

                Settle_NeedsLock(piece);
            }
        }
    }

    /// <summary>Another selection: pieces that are no longer needed are forgotten unless they are on their way.</summary>
    public void ApplySelection(PieceLayout layout)
    {
        lock (_gate)
        {
            _needed = layout.CopySelected();
            _acknowledged = 0;
            for (var piece = 0; piece < _states.Length; piece++)
            {
                if (_states[piece] == PieceState.Acknowledged && !_needed[piece])
                {
                    _states[piece] = PieceState.Absent;
                }

                _acknowledged += _states[piece] == PieceState.Acknowledged ? 1 : 0;
                Settle_NeedsLock(piece);
            }
        }
    }

    /// <summary>
    /// The destination's truth: what it holds, and what it will have from content of its own. With <paramref name="grantedFrom"/> the truth begins a new
    /// grant, and successes of older attempts prove nothing any more.
    /// </summary>
    /// <param name="grantedFrom">First attempt number of the new grant; null while the grant stays.</param>
    public void ApplyDestination(PieceBitmap have, PieceBitmap deferred, long? grantedFrom)
    {
        lock (_gate)
        {
            _firstAttemptOfGrant = grantedFrom ?? _firstAttemptOfGrant;
            Apply_NeedsLock(have, deferred, null);
        }
    }

    /// <summary>Whether the destination lacks a piece that it had: not one that only its own content was to bring, and did not.</summary>
    public bool LacksAny(PieceBitmap have, PieceBitmap deferred)
    {
        lock (_gate)
        {
            for (var piece = _needed.NextSet(0); piece >= 0; piece = _needed.NextSet(piece + 1))
            {
                if (!have[piece] && !deferred[piece] && !_promised[piece])
                {
                    return true;
                }
            }

            return false;
        }
    }

    /// <summary>Takes the next piece that is due, for one attempt: retried ones first, then the lowest.</summary>
    public bool TryTake(TimeSpan now, long attempt, out int piece)
    {
        lock (_gate)
        {
            while (_delayed.TryPeek(out var delayed, out var due) && due <= now)
            {
                _delayed.Dequeue();
                if (_states[delayed] == PieceState.Available && IsDue_NeedsLock(delayed, now))
                {
                    _retries.Add(delayed);
                }
            }

            if (!_retries.TryTakeLowest(out piece) && !_ready.TryTakeLowest(out piece))
            {
                return false;
            }

            _available--;
            _states[piece] = PieceState.Queued;
            _attempts[piece] = new Attempt(attempt, 0);
            return true;
        }
    }

    /// <summary>A worker begins to read; false when the piece is no longer this attempt's.</summary>
    public bool TryRead(int piece, long attempt)
    {
        lock (_gate)
        {
            return Move_NeedsLock(piece, attempt, PieceState.Queued, PieceState.Reading);
        }
    }

    /// <summary>The piece goes to the link; false when it is no longer this attempt's.</summary>
    public bool TryLaunch(int piece, long attempt, int payload)
    {
        lock (_gate)
        {
            if (!Move_NeedsLock(piece, attempt, PieceState.Reading, PieceState.InFlight))
            {
                return false;
            }

            _attempts[piece] = new Attempt(attempt, payload);
            _sent++;
            return true;
        }
    }

    /// <summary>The attempt was given up without an answer and without a fault of the piece; it is due again at once.</summary>
    public void Return(int piece, long attempt)
    {
        lock (_gate)
        {
            if (End_NeedsLock(piece, attempt, out var wasSent))
            {
                _losses += wasSent ? 1 : 0;
                Offer_NeedsLock(piece, retried: true);
            }
        }
    }

    /// <summary>The destination has the piece.</summary>
    public AckEffect Accept(int piece, long attempt)
    {
        lock (_gate)
        {
            if (_states[piece] == PieceState.Acknowledged)
            {
                return AckEffect.None;
            }

            if (attempt < _firstAttemptOfGrant)
            {
                // It was accepted by a session whose bitmap has come since and lacks it, so it is gone there.
                if (End_NeedsLock(piece, attempt, out _))
                {
                    _nacks++;
                    Offer_NeedsLock(piece, retried: true);
                }

                return AckEffect.None;
            }

            if (!_needed[piece])
            {
                End_NeedsLock(piece, attempt, out _);
                return AckEffect.None;
            }

            _payloadAcknowledged += _attempts.TryGetValue(piece, out var sent) ? sent.Payload : 0;
            Acknowledge_NeedsLock(piece);
            return _acknowledged == _needed.Count ? AckEffect.AllAcknowledged : AckEffect.Acknowledged;
        }
    }

    /// <summary>The piece may be taken again at once; false when the nack is not of the attempt in flight.</summary>
    public bool Nack(int piece, long attempt)
    {
        lock (_gate)
        {
            if (!End_NeedsLock(piece, attempt, out _))
            {
                return false;
            }

            _nacks++;
            Offer_NeedsLock(piece, retried: true);
            return true;
        }
    }

    private void Acknowledge_NeedsLock(int piece)
    {
        _attempts.Remove(piece);
        _faults.Remove(piece);
        _promised.Clear(piece);
        _since?.Add(piece);
        if (_states[piece] == PieceState.Available)
        {
            Withdraw_NeedsLock(piece);
        }

        _states[piece] = PieceState.Acknowledged;
        _acknowledged++;
    }

    private bool Move_NeedsLock(int piece, long attempt, PieceState from, PieceState to)
    {
        if (_states[piece] != from || !_attempts.TryGetValue(piece, out var current) || current.Number != attempt)
        {
            return false;
        }

        _states[piece] = to;
        return true;
    }

    private bool End_NeedsLock(int piece, long attempt, out bool wasSent)
    {
        wasSent = _states[piece] == PieceState.InFlight;
        if (!_attempts.TryGetValue(piece, out var current) || current.Number != attempt)
        {
            return false;
        }

        _attempts.Remove(piece);
        _states[piece] = PieceState.Absent;
        return true;
    }

    /// <summary>Makes an absent piece available, and an available one absent, as client and selection say. Other states are left alone.</summary>
    private void Settle_NeedsLock(int piece)
    {
        var wanted = _needed[piece] && _client[piece];
        if (wanted && _states[piece] == PieceState.Absent)
        {
            Offer_NeedsLock(piece, retried: false);
        }
        else if (!wanted && _states[piece] == PieceState.Available)
        {
            Withdraw_NeedsLock(piece);
            _states[piece] = PieceState.Absent;
        }
    }

    private void Offer_NeedsLock(int piece, bool retried)
    {
        if (!_needed[piece] || !_client[piece])
        {
            _states[piece] = PieceState.Absent;
            return;
        }

        _states[piece] = PieceState.Available;
        _available++;
        if (_faults.TryGetValue(piece, out var faults) && faults.Due > TimeSpan.Zero)
        {
            _delayed.Enqueue(piece, faults.Due);
        }
        else
        {
            (retried ? _retries : _ready).Add(piece);
        }
    }

    private void Withdraw_NeedsLock(int piece)
    {
        _available--;
        _ready.Remove(piece);
        _retries.Remove(piece);
    }

    private readonly record struct Attempt(long Number, int Payload);
}
