using QbSync.Transport.Wire;

namespace QbSync.Transport.Server;

/// <summary>Whose turn it is. All of it under the gate.</summary>
internal sealed partial class WriteWorkers
{
    private const int Quantum = 1 << 20;

    private readonly LinkedList<TorrentQueue> _round = []; // those that a worker may take now
    private readonly int _mostPerTorrent;

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
            Wake(1);
        }
    }
}
