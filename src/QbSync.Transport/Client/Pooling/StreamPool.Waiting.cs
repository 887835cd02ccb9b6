using QbSync.Transport.Client.Sending;
using QbSync.Transport.Congestion;

namespace QbSync.Transport.Client.Pooling;

/// <summary>
/// The line of senders that wait for room: who waits longest is looked at first, whenever a report, a credit, a stream or the clock may have made room. All
/// under the gate, so no wake-up is lost.
/// </summary>
internal sealed partial class StreamPool
{
    private readonly LinkedList<PooledStream> _line = [];
    private int _windowWaits;
    private ITimer? _timer;
    private TimeSpan? _timerAt;

    /// <summary>Stops the clock. The pool is closed and its streams are gone.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            _timer?.Dispose();
            _isClosed = true;
        }
    }

    private async ValueTask<Permit> WaitAsync(PooledStream stream, ulong transfer, int wanted, CancellationToken cancellationToken)
    {
        using var registration = cancellationToken.UnsafeRegister(
            static state =>
            {
                var (pool, waiting) = ((StreamPool, PooledStream))state!;
                lock (pool._gate)
                {
                    pool.Leave_NeedsLock(waiting);
                }
            },
            (this, stream));
        while (true)
        {
            ValueTask woken;
            lock (_gate)
            {
                if (GetEnd(stream, transfer) is { } end)
                {
                    return end;
                }

                if (stream.Promised > 0 || TryPromise_NeedsLock(stream, wanted, out _))
                {
                    return new Permit(SendingFate.Open, stream.Promised);
                }

                cancellationToken.ThrowIfCancellationRequested();
                stream.Wanted = wanted;
                _line.AddLast(stream.Place);
                woken = stream.Room.Arm();
                SetTimer_NeedsLock();
            }

            await woken.ConfigureAwait(false);
        }
    }

    /// <summary>Something changed that may let somebody go on: first who has begun a piece, then who waits for a stream.</summary>
    private void Wake_NeedsLock()
    {
        Admit_NeedsLock();
        Match_NeedsLock();
        SetTimer_NeedsLock();
    }

    /// <summary>Promises room to those that wait, in order. Nobody passes one that waits for the link alone.</summary>
    private void Admit_NeedsLock()
    {
        for (var place = _line.First; place is not null;)
        {
            var (stream, next) = (place.Value, place.Next);
            if (TryPromise_NeedsLock(stream, stream.Wanted, out var hold))
            {
                Leave_NeedsLock(stream);
            }
            else if (hold == SendHold.LinkWindow)
            {
                return;
            }

            place = next;
        }
    }

    private bool TryPromise_NeedsLock(PooledStream stream, int wanted, out SendHold hold)
    {
        var now = clock.Now;
        var room = _link.Room(stream.Window, wanted, now, out hold);
        SetHold_NeedsLock(stream, hold, now);
        if (room == 0)
        {
            return false;
        }

        stream.Promised = room;
        _link.Reserve(stream.Window, room);
        return true;
    }

    /// <summary>Tells the link whether any sender waits for a window.</summary>
    private void CountWindowWaits_NeedsLock(SendHold before, SendHold after, TimeSpan now)
    {
        _windowWaits += (after >= SendHold.Window ? 1 : 0) - (before >= SendHold.Window ? 1 : 0);
        _link.OnWaiting(_windowWaits > 0, now);
    }

    private void GiveUpRoom_NeedsLock(PooledStream stream)
    {
        stream.Promised = 0;
        _link.Release(stream.Window);
    }

    /// <summary>Its sender need not wait any more.</summary>
    private void Leave_NeedsLock(PooledStream stream)
    {
        stream.Place.List?.Remove(stream.Place);
        stream.Room.Set();
    }

    /// <summary>While somebody waits, a state of the link that ends by time alone wakes the pool.</summary>
    private void SetTimer_NeedsLock()
    {
        if (_link.NextChange is not { } at || at == _timerAt || _isClosed || (_line.Count == 0 && _waiters.Count == 0))
        {
            return;
        }

        _timerAt = at;
        _timer ??= clock.CreateTimer(static pool => ((StreamPool)pool!).OnTimer(), this);

        // A tick more than the rest, so that the state has ended when the timer is heard.
        var wait = at - clock.Now;
        _timer.Change((wait > TimeSpan.Zero ? wait : TimeSpan.Zero) + TimeSpan.FromMilliseconds(1), Timeout.InfiniteTimeSpan);
    }

    private void OnTimer()
    {
        lock (_gate)
        {
            _timerAt = null;
            _link.Advance(clock.Now);
            Wake_NeedsLock();
        }
    }

    /// <summary>Why the piece does not go on, null when it does.</summary>
    private static Permit? GetEnd(PooledStream stream, ulong transfer)
    {
        if (stream.IsEnded)
        {
            var fate = transfer != 0 ? stream.Pieces.Fate : SendingFate.Lost;
            return new Permit(fate == SendingFate.Open ? SendingFate.Lost : fate, 0);
        }

        return transfer != 0 && stream.Pieces.Fate != SendingFate.Open ? new Permit(stream.Pieces.Fate, 0) : null;
    }
}
