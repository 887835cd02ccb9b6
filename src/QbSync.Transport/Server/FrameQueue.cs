using QbSync.Outcomes;
using QbSync.Pieces;
using QbSync.Torrents;
using QbSync.Transport.Wire;

namespace QbSync.Transport.Server;

/// <summary>
/// Frames of one stream between its reader, which never waits, and the workers: a lane for each torrent, so that none waits for another's disk. Bounded by
/// the stream's credit. Every frame that comes in is disposed, and its weight released, whatever happens. Thread-safe.
/// </summary>
internal sealed partial class FrameQueue(
    WriteWorkers workers, PieceAssembler assembler, ReceiveBudget budget, BudgetShare share, AckWriter acks, int capacity, TimeSpan patience, TimeProvider time)
{
    /// <summary>Lanes without work that a stream keeps, so that torrents which take turns make none anew.</summary>
    private const int MaxIdleLanes = 32;

    /// <summary>Answered pieces of which the last chunk is still looked for; a source has no more open at once.</summary>
    private const int MaxRests = 64;

    private static readonly TimeSpan BusyFor = TimeSpan.FromSeconds(5);

    private readonly Dictionary<InfoHash, FrameLane> _lanes = [];
    private readonly Dictionary<ulong, PieceAttempt> _attempts = [];
    private readonly Dictionary<ulong, int> _rests = [];
    private readonly TaskCompletionSource _drained = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource<Exception> _failed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private ulong _last;
    private int _entries;
    private bool _isCompleted;
    private bool _isDropping;

    /// <summary>Ends when no frame is left after <see cref="Complete"/>, and no transfer is open.</summary>
    public Task Drained => _drained.Task;

    /// <summary>Ends, with the cause, when a frame could not be taken; the later ones are dropped.</summary>
    public Task<Exception> Failed => _failed.Task;

    /// <summary>Takes a charged chunk over; what is wrong with it, if something is: the stream then has to end.</summary>
    public string? Add(IncomingFrame chunk)
    {
        var isQueued = false;
        var (isBusy, isRest) = (false, false);
        string? error;
        try
        {
            var allowance = chunk.Piece is null ? 0 : budget.GetAllowance(share);
            lock (workers.Gate)
            {
                error = Route_NeedsLock(chunk, allowance, out var attempt, out isBusy, out isRest);
                if (attempt is not null)
                {
                    workers.Enqueue_NeedsLock(attempt, chunk);
                    _entries++;
                    isQueued = true;
                }
            }
        }
        finally
        {
            if (!isQueued)
            {
                chunk.Dispose();
                Release(SyncLimits.Weigh(chunk.Length));
            }
        }

        if (isRest)
        {
            acks.CameWhole();
        }
        else if (isBusy)
        {
            AnswerBusy(chunk.Transfer, chunk.Piece!.Value, chunk.Offset + chunk.Length);
        }

        return error;
    }

    /// <summary>The source gives a transfer up; false when it has given up more than can be noted.</summary>
    public bool Cancel(ulong transfer)
    {
        long dropped;
        lock (workers.Gate)
        {
            if (_entries >= capacity)
            {
                return false;
            }

            dropped = _attempts.TryGetValue(transfer, out var attempt) ? End_NeedsLock(attempt, giveUp: true) : 0;
        }

        Release(dropped);
        return true;
    }

    /// <summary>Nothing comes any more.</summary>
    /// <param name="drop">What waits is not worked on any more.</param>
    public void Complete(bool drop)
    {
        var dropped = 0L;
        lock (workers.Gate)
        {
            if (drop)
            {
                dropped = Drop_NeedsLock();
            }

            foreach (var attempt in _attempts.Values)
            {
                // Behind its chunks: what is whole is answered before.
                workers.Enqueue_NeedsLock(attempt, null);
                _entries++;
            }

            _isCompleted = true;
            TryDrain_NeedsLock();
        }

        Release(dropped);
    }

    private void AnswerBusy(ulong transfer, PieceRef piece, int reached)
    {
        var end = assembler.GetEnd(piece);
        lock (workers.Gate)
        {
            Expect_NeedsLock(transfer, end, reached);
        }

        acks.Answer(transfer, PieceAckStatus.Busy, BusyFor, isWhole: end == reached);
    }

    /// <summary>Answers what is not written although its newest chunk came long ago. A verdict that comes later is not told.</summary>
    public void Expire()
    {
        List<PieceAttempt>? expired = null;
        lock (workers.Gate)
        {
            var now = time.GetTimestamp();
            foreach (var attempt in _attempts.Values)
            {
                if (IsLate_NeedsLock(attempt, now))
                {
                    (expired ??= []).Add(attempt);
                }
            }
        }

        foreach (var attempt in expired ?? [])
        {
            if (TryEnd(attempt, assembler.GetEnd(attempt.Piece), out var isWhole, giveUp: true, onlyIfLate: true))
            {
                acks.Answer(attempt.Number, PieceAckStatus.StorageError, isWhole: isWhole);
            }
        }
    }

    /// <summary>Ends an attempt that has its verdict; false when it had ended before, and nothing is to be told.</summary>
    /// <param name="end">Where its last chunk ends, if anybody knows.</param>
    /// <param name="isWhole">Its last chunk has come.</param>
    /// <param name="giveUp">What the intake may hold open for it is to be given up by a worker.</param>
    /// <param name="onlyIfLate">It ends unless its disk has moved since it was found to be late.</param>
    public bool TryEnd(PieceAttempt attempt, int? end, out bool isWhole, bool giveUp = false, bool onlyIfLate = false)
    {
        long dropped;
        lock (workers.Gate)
        {
            isWhole = attempt.Reached == end;
            if (attempt.IsEnded || (onlyIfLate && !IsLate_NeedsLock(attempt, time.GetTimestamp())))
            {
                return false;
            }

            dropped = End_NeedsLock(attempt, giveUp);
            Expect_NeedsLock(attempt.Number, end, attempt.Reached);
        }

        Release(dropped);
        return true;
    }

    /// <summary>Does one thing; called by the one worker that has its lane.</summary>
    public void Run(PieceAttempt attempt, IncomingFrame? frame)
    {
        try
        {
            if (frame is null)
            {
                PieceAssembler.GiveUp(attempt);
                TryEnd(attempt, end: null, out _);
            }
            else if (assembler.Process(this, attempt, frame) is { } error)
            {
                Fail(WireMapping.Malformed(error));
            }
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            Fail(e);
        }

        if (frame is not null)
        {
            frame.Dispose();
            Release(SyncLimits.Weigh(frame.Length));
        }
    }

    /// <summary>A worker is done with one thing.</summary>
    public void Finished_NeedsLock()
    {
        _entries--;
        TryDrain_NeedsLock();
    }

    private void Fail(Exception error)
    {
        long dropped;
        lock (workers.Gate)
        {
            dropped = Drop_NeedsLock();
        }

        Release(dropped);
        _failed.TrySetResult(error);
    }

    private bool IsLate_NeedsLock(PieceAttempt attempt, long now) =>
        attempt.Outstanding > 0 && time.GetElapsedTime(attempt.NewestChunk, now) >= patience;

    private void Release(long weight)
    {
        if (weight > 0)
        {
            budget.Release(share, weight);
            acks.Wake();
        }
    }
}
