using System.Threading.Channels;
using QbSync.Transport.Wire;

namespace QbSync.Transport.Server;

/// <summary>
/// Frames of one stream between its reader, which never waits, and the worker that has the stream just now. Bounded by the stream's credit. Every frame
/// that comes in is disposed here, and its weight released, whatever happens.
/// </summary>
internal sealed class FrameQueue(WriteWorkers workers, PieceAssembler assembler, ReceiveBudget budget, BudgetShare share, AckWriter acks, int capacity)
{
    private const int Turn = 4 << 20;
    private readonly Channel<IncomingFrame> _frames = Channel.CreateBounded<IncomingFrame>(
        new BoundedChannelOptions(capacity) { SingleReader = true, SingleWriter = true }); // full only if the source breaks its promises
    private readonly TaskCompletionSource _drained = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource<Exception> _failed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _scheduled;
    private volatile bool _isCompleted;
    private volatile bool _isDropping;

    /// <summary>Ends when no frame is left after <see cref="Complete"/>, and no transfer is open.</summary>
    public Task Drained => _drained.Task;

    /// <summary>Ends, with the cause, when a frame could not be taken; the later ones are dropped.</summary>
    public Task<Exception> Failed => _failed.Task;

    /// <summary>Takes the frame over; false, and the frame stays the caller's, when there is no room.</summary>
    public bool TryAdd(IncomingFrame frame)
    {
        var isPiece = frame.Piece is not null;
        if (isPiece)
        {
            workers.PieceQueued();
        }

        if (!_frames.Writer.TryWrite(frame))
        {
            if (isPiece)
            {
                workers.PieceTaken();
            }

            return false;
        }

        Schedule();
        return true;
    }

    /// <summary>Nothing comes any more.</summary>
    /// <param name="drop">What waits is not worked on any more.</param>
    public void Complete(bool drop)
    {
        _isDropping |= drop;
        _isCompleted = true;
        Schedule();
    }

    /// <summary>Works for a while; called by one worker at a time.</summary>
    public void Run()
    {
        var isLast = _isCompleted;
        var done = 0;
        while (done < Turn && _frames.Reader.TryRead(out var frame))
        {
            done += SyncLimits.Weigh(frame.Length);
            Take(frame);
        }

        if (done < Turn && isLast)
        {
            // Stays scheduled for ever, so that nobody runs it again.
            assembler.Abandon();
            _drained.TrySetResult();
            return;
        }

        if (done >= Turn)
        {
            workers.Schedule(this);
            return;
        }

        Volatile.Write(ref _scheduled, 0);
        if (_isCompleted || _frames.Reader.TryPeek(out _))
        {
            Schedule();
        }
    }

    private void Schedule()
    {
        if (Interlocked.Exchange(ref _scheduled, 1) == 0)
        {
            workers.Schedule(this);
        }
    }

    private void Take(IncomingFrame frame)
    {
        using (frame)
        {
            if (frame.Piece is not null)
            {
                workers.PieceTaken();
            }

            try
            {
                if (!_isDropping && assembler.Process(frame) is { } error)
                {
                    Fail(WireMapping.Malformed(error));
                }
            }
            catch (Exception e) when (e is not OutOfMemoryException)
            {
                Fail(e);
            }
        }

        if (frame.Kind == IncomingKind.Chunk)
        {
            budget.Release(share, SyncLimits.Weigh(frame.Length));
            acks.Wake();
        }
    }

    private void Fail(Exception error)
    {
        _isDropping = true;
        _failed.TrySetResult(error);
    }
}
