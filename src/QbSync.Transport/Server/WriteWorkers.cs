using QbSync.Transport.Wire;

namespace QbSync.Transport.Server;

/// <summary>
/// The process's workers that hash and write. They go over the torrents that have work in deficit round robin; a torrent's lanes, one per stream, take
/// turns within it, and no lane has two workers. A torrent never holds all workers when there are several, so that one whose disk stands still leaves
/// one to the others, also to those that come later. They have threads of their own: a disk that stands still must not take the network's. Owned by the
/// container, which disposes it when the server has stopped. Thread-safe.
/// </summary>
internal sealed partial class WriteWorkers : IAsyncDisposable
{
    public const int MaxQueues = 4096;

    private readonly object _sleepers = new(); // a monitor, since Lock has no wait; taken inside the gate, never around it
    private readonly TimeProvider _time;
    private readonly Task[] _workers;
    private int _wakes;
    private int _idle;
    private int _busy;
    private int _waiting;
    private bool _isStopped;

    public WriteWorkers(TransportServerOptions options, TimeProvider time)
    {
        _time = time;
        _budget = options.ReceiveBudget;
        _workers = new Task[options.WorkerCount];
        _mostPerTorrent = Math.Max(1, _workers.Length - 1);
        for (var i = 0; i < _workers.Length; i++)
        {
            _workers[i] = Task.Factory.StartNew(
                Work, CancellationToken.None, TaskCreationOptions.LongRunning | TaskCreationOptions.DenyChildAttach, TaskScheduler.Default);
        }
    }

    /// <summary>Guards the lanes, attempts and torrents of all streams. Held for moments: no I/O, no callback into an intake under it.</summary>
    public Lock Gate { get; } = new();

    /// <summary>Pieces whose first chunk waits for a worker, and workers at work.</summary>
    public (int Waiting, int Busy) Snapshot => (Volatile.Read(ref _waiting), Volatile.Read(ref _busy));

    /// <summary>Puts something into a lane; without a frame, the attempt is to be given up.</summary>
    public void Enqueue_NeedsLock(PieceAttempt attempt, IncomingFrame? frame)
    {
        var lane = attempt.Lane;
        if (_isStopped)
        {
            throw new InvalidOperationException("A stream had work after the workers had ended.");
        }

        lane.Waiting.Enqueue((attempt, frame));
        if (frame is not null)
        {
            var weight = SyncLimits.Weigh(frame.Length);
            attempt.Outstanding++;
            attempt.Waiting++;
            lane.Held += weight;
            lane.Torrent.Held += weight;
            _waiting += frame.Piece is null ? 0 : 1;
        }

        Ready_NeedsLock(lane);
        Wake_NeedsLock();
    }

    /// <summary>Takes what waits of an attempt out of its lane; the weight, which the caller has to release.</summary>
    public long Drop_NeedsLock(PieceAttempt attempt, ref int entries)
    {
        var lane = attempt.Lane;
        var dropped = 0L;
        for (var left = attempt.Waiting > 0 ? lane.Waiting.Count : 0; left > 0; left--)
        {
            var entry = lane.Waiting.Dequeue();
            if (entry.Attempt != attempt || entry.Frame is null)
            {
                lane.Waiting.Enqueue(entry);
                continue;
            }

            _waiting -= entry.Frame.Piece is null ? 0 : 1;
            attempt.Waiting--;
            dropped += Forget_NeedsLock(attempt, entry.Frame);
            entry.Frame.Dispose();
            entries++;
        }

        return dropped;
    }

    public async ValueTask DisposeAsync()
    {
        lock (Gate)
        {
            _isStopped = true;
            Wake(_workers.Length);
        }

        await Task.WhenAll(_workers).ConfigureAwait(false);
    }

    private void Work()
    {
        FrameLane? lane = null;
        (PieceAttempt Attempt, IncomingFrame? Frame) entry = default;
        while (true)
        {
            lock (Gate)
            {
                if (lane is not null)
                {
                    _busy--;
                    Finish_NeedsLock(lane, entry);
                }

                lane = Pick_NeedsLock(out entry);
                if (lane is not null)
                {
                    _busy++;
                    Wake_NeedsLock();
                }
                else if (_isStopped)
                {
                    return;
                }
                else
                {
                    _idle++;
                }
            }

            if (lane is null)
            {
                Sleep();
            }
            else
            {
                lane.Stream.Run(entry.Attempt, entry.Frame);
            }
        }
    }

    /// <summary>Until a wake that no other took; one that came before counts.</summary>
    private void Sleep()
    {
        lock (_sleepers)
        {
            while (_wakes == 0)
            {
                Monitor.Wait(_sleepers);
            }

            _wakes--;
        }
    }

    private void Wake(int workers)
    {
        lock (_sleepers)
        {
            _wakes += workers;
            if (workers == 1)
            {
                Monitor.Pulse(_sleepers);
            }
            else
            {
                Monitor.PulseAll(_sleepers);
            }
        }
    }
}
