using QbSync.Transport.Wire;

namespace QbSync.Transport.Server;

/// <summary>
/// The process's workers that hash and write. They go over the torrents that have work in deficit round robin; a torrent's lanes, one per stream, take
/// turns within it, and no lane has two workers. A torrent never holds all workers when there are several, so that one whose disk stands still leaves
/// one to the others, also to those that come later. Owned by the container, which disposes it when the server has stopped. Thread-safe.
/// </summary>
internal sealed partial class WriteWorkers : IAsyncDisposable
{
    public const int MaxQueues = 4096;
    private const int Quantum = 1 << 20;

    private readonly LinkedList<TorrentQueue> _round = []; // those that a worker may take now
    private readonly SemaphoreSlim _signal = new(0);
    private readonly TimeProvider _time;
    private readonly Task[] _workers;
    private readonly int _mostPerTorrent;
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
            _workers[i] = Task.Run(WorkAsync);
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
            _signal.Release(_workers.Length);
        }

        await Task.WhenAll(_workers).ConfigureAwait(false);
        _signal.Dispose();
    }

    private async Task WorkAsync()
    {
        while (true)
        {
            FrameLane? lane;
            (PieceAttempt Attempt, IncomingFrame? Frame) entry;
            lock (Gate)
            {
                lane = Pick_NeedsLock(out entry);
                if (lane is null)
                {
                    if (_isStopped)
                    {
                        return;
                    }

                    _idle++;
                }
                else
                {
                    _busy++;
                    Wake_NeedsLock();
                }
            }

            if (lane is null)
            {
                await _signal.WaitAsync().ConfigureAwait(false);
                continue;
            }

            lane.Stream.Run(entry.Attempt, entry.Frame);
            lock (Gate)
            {
                _busy--;
                Finish_NeedsLock(lane, entry);
            }
        }
    }

    /// <summary>The next thing to do, by deficit round robin; null when there is none that a worker may take.</summary>
    private FrameLane? Pick_NeedsLock(out (PieceAttempt Attempt, IncomingFrame? Frame) entry)
    {
        while (_round.First is { Value: var torrent } node)
        {
            if (torrent.Ready.Count == 0 || torrent.Running >= _mostPerTorrent)
            {
                _round.Remove(node);
                continue;
            }

            if (torrent.Deficit <= 0)
            {
                torrent.Deficit += Quantum;
                if (torrent.Deficit <= 0)
                {
                    _round.Remove(node);
                    _round.AddLast(node);
                    continue;
                }
            }

            var lane = torrent.Ready.Dequeue();
            lane.IsReady = false;
            if (!lane.Waiting.TryDequeue(out entry))
            {
                continue; // all of it was dropped
            }

            if (entry.Frame is { } frame)
            {
                _waiting -= frame.Piece is null ? 0 : 1;
                entry.Attempt.Waiting--;
                torrent.Deficit -= SyncLimits.Weigh(frame.Length);
            }

            lane.IsRunning = true;
            lane.RunningSince = _time.GetTimestamp();
            torrent.Running++;
            if (torrent.Deficit <= 0 || torrent.Ready.Count == 0 || torrent.Running >= _mostPerTorrent)
            {
                // Its turn is over, or rests until its lane comes back.
                _round.Remove(node);
                Join_NeedsLock(torrent);
            }

            return lane;
        }

        entry = default;
        return null;
    }

    private void Finish_NeedsLock(FrameLane lane, (PieceAttempt Attempt, IncomingFrame? Frame) entry)
    {
        var torrent = lane.Torrent;
        lane.IsRunning = false;
        torrent.Running--;
        if (entry.Frame is not null)
        {
            Forget_NeedsLock(entry.Attempt, entry.Frame);
        }

        Ready_NeedsLock(lane);
        if (torrent.Ready.Count == 0)
        {
            torrent.Deficit = Math.Min(0, torrent.Deficit); // who has nothing to do saves nothing up
        }

        lane.Stream.Finished_NeedsLock();
    }

    private static long Forget_NeedsLock(PieceAttempt attempt, IncomingFrame frame)
    {
        var weight = SyncLimits.Weigh(frame.Length);
        attempt.Outstanding--;
        attempt.Lane.Held -= weight;
        attempt.Lane.Torrent.Held -= weight;
        return weight;
    }

    private void Ready_NeedsLock(FrameLane lane)
    {
        if (lane.Waiting.Count > 0 && !lane.IsRunning && !lane.IsReady)
        {
            lane.IsReady = true;
            lane.Torrent.Ready.Enqueue(lane);
        }

        Join_NeedsLock(lane.Torrent);
    }

    /// <summary>Puts a torrent that may be taken into the round: in front while its turn goes on.</summary>
    private void Join_NeedsLock(TorrentQueue torrent)
    {
        if (torrent.Node.List is not null || torrent.Ready.Count == 0 || torrent.Running >= _mostPerTorrent)
        {
            return;
        }

        if (torrent.Deficit > 0)
        {
            _round.AddFirst(torrent.Node);
        }
        else
        {
            _round.AddLast(torrent.Node);
        }
    }

    private void Wake_NeedsLock()
    {
        if (_idle > 0 && _round.Count > 0)
        {
            _idle--;
            _signal.Release();
        }
    }
}
