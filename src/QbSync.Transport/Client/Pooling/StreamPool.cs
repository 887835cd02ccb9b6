using QbSync.Transport.Client.Sending;
using QbSync.Transport.Congestion;

namespace QbSync.Transport.Client.Pooling;

/// <summary>
/// The open streams of a link, and who sends on which: a piece goes whole to one stream, a stream takes one piece at a time. Chosen is the stream with the
/// least in flight for its window; who finds none waits in line. One gate guards all windows and tables, so no wake-up is lost between two of them.
/// Thread-safe. The other parts: Flow (a stream's chunks) and Upkeep (what the clock asks for).
/// </summary>
internal sealed partial class StreamPool(LinkClock clock, TransportMetrics metrics, CongestionOptions congestion) : IDisposable
{
    private readonly Lock _gate = new();
    private readonly List<PooledStream> _streams = [];
    private readonly LinkedList<Waiter> _waiters = [];
    private TaskCompletionSource? _idle;
    private bool _isClosed;
    private int _open;

    /// <summary>Streams that may be chosen.</summary>
    public int OpenStreams => Volatile.Read(ref _open);

    /// <summary>The peer accepted the stream.</summary>
    public void Add(PooledStream stream, long credit, long maxInFlight)
    {
        lock (_gate)
        {
            stream.MovedAt = clock.Now;
            stream.Window = _link.Add(credit, maxInFlight, stream.MovedAt);
            stream.IsDraining |= _isClosed;
            _streams.Add(stream);
            Publish_NeedsLock();
            Wake_NeedsLock();

            // Who drains it may have come before it was here.
            Count_NeedsLock();
        }
    }

    /// <summary>The stream is not chosen any more.</summary>
    public void Retire(PooledStream stream)
    {
        lock (_gate)
        {
            stream.IsDraining = true;
            Publish_NeedsLock();
        }
    }

    /// <summary>The stream is not chosen any more. Ends when nobody sends on it and nothing is in flight, or when it has ended.</summary>
    public Task DrainAsync(PooledStream stream)
    {
        lock (_gate)
        {
            stream.IsDraining = true;
            stream.Drained ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            if (stream.IsEnded)
            {
                stream.Drained.TrySetResult();
            }

            Publish_NeedsLock();
            Count_NeedsLock();
            return stream.Drained.Task;
        }
    }

    /// <summary>The stream ended: gives what it carried. Its sender, if it has one, is told when it asks next.</summary>
    /// <param name="isAsked">We wanted it to end.</param>
    public List<InFlightPiece> Remove(PooledStream stream, bool isAsked = false)
    {
        List<InFlightPiece> lost = [];
        lock (_gate)
        {
            if (stream.IsEnded)
            {
                return lost;
            }

            stream.IsEnded = true;
            _lost += isAsked ? 0 : 1;
            stream.Drained?.TrySetResult();
            EndWrite_NeedsLock(stream, clock.Now);
            SetHold_NeedsLock(stream, SendHold.None, clock.Now);
            _streams.Remove(stream);
            stream.Pieces.GiveAll(lost);
            Leave_NeedsLock(stream);
            _link.Remove(stream.Window, clock.Now);
            Publish_NeedsLock();
            Count_NeedsLock();
            Wake_NeedsLock();
        }

        return lost;
    }

    /// <summary>Waits for a stream to send a piece on; null when the link is closed. Whoever gets one gives it back by <see cref="Return"/>.</summary>
    public async ValueTask<PooledStream?> RentAsync(CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        Waiter waiter;
        bool isWindowFull;
        lock (_gate)
        {
            if (_isClosed)
            {
                return null;
            }

            if (_waiters.Count == 0 && Choose_NeedsLock() is { } free)
            {
                Take_NeedsLock(free, clock.Now);
                return free;
            }

            waiter = new Waiter(clock.Now);
            waiter.Node = _waiters.AddLast(waiter);
            BeginQueueing_NeedsLock(waiter);
            isWindowFull = _streams.Exists(static stream => !stream.IsRented && !stream.IsDraining);
        }

        if (isWindowFull)
        {
            metrics.WindowFull();
        }

        await using var registration = cancellationToken.UnsafeRegister(
            static (state, token) => ((Waiter)state!).TrySetCanceled(token), waiter).ConfigureAwait(false);
        try
        {
            return await waiter.Task.ConfigureAwait(false);
        }
        finally
        {
            lock (_gate)
            {
                waiter.Node.List?.Remove(waiter.Node);
                EndQueueing_NeedsLock(waiter);
            }
        }
    }

    /// <summary>Rents this stream if nobody has it.</summary>
    public bool TryRent(PooledStream stream)
    {
        lock (_gate)
        {
            if (stream.IsRented || stream.IsEnded || !_streams.Contains(stream))
            {
                return false;
            }

            Take_NeedsLock(stream, clock.Now);
            return true;
        }
    }

    /// <summary>Gives a rented stream back.</summary>
    public void Return(PooledStream stream)
    {
        lock (_gate)
        {
            stream.IsRented = false;
            EndWrite_NeedsLock(stream, clock.Now);
            SetHold_NeedsLock(stream, SendHold.None, clock.Now);
            GiveUpRoom_NeedsLock(stream);
            stream.Window.FreeSince = clock.Now;
            Wake_NeedsLock();
            Count_NeedsLock();
        }
    }

    /// <summary>Nothing new is sent: who waits gets null. Ends when no stream is rented and nothing is in flight.</summary>
    public Task CloseAsync()
    {
        lock (_gate)
        {
            _isClosed = true;
            foreach (var stream in _streams)
            {
                stream.IsDraining = true;
            }

            foreach (var waiter in _waiters)
            {
                waiter.TrySetResult(null);
            }

            _waiters.Clear();
            Publish_NeedsLock();
            _idle ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            Count_NeedsLock();
            return _idle.Task;
        }
    }

    private PooledStream? Choose_NeedsLock()
    {
        PooledStream? best = null;
        var least = double.MaxValue;
        foreach (var stream in _streams)
        {
            if (!stream.IsRented && !stream.IsDraining && stream.Window.HasRoom)
            {
                var fill = (double)stream.Window.InFlight / stream.Window.Size;
                if (fill < least)
                {
                    (best, least) = (stream, fill);
                }
            }
        }

        return best;
    }

    /// <summary>Gives free streams to who waits longest. Continuations run elsewhere, so nothing foreign runs under the gate.</summary>
    private void Match_NeedsLock()
    {
        while (_waiters.First is { } first && Choose_NeedsLock() is { } stream)
        {
            _waiters.RemoveFirst();
            if (first.Value.TrySetResult(stream))
            {
                Take_NeedsLock(stream, first.Value.Since);
            }
        }
    }

    private void Take_NeedsLock(PooledStream stream, TimeSpan wantedSince)
    {
        stream.IsRented = true;
        _link.OnSenderCame(stream.Window, wantedSince);
    }

    private sealed class Waiter(TimeSpan since) : TaskCompletionSource<PooledStream?>(TaskCreationOptions.RunContinuationsAsynchronously)
    {
        public TimeSpan Since => since;

        public LinkedListNode<Waiter> Node { get; set; } = null!;

        /// <summary>What it waits for.</summary>
        public SendHold Hold { get; set; }
    }
}
