using QbSync.Torrents;
using QbSync.Transport.Wire;

namespace QbSync.Transport.Server;

/// <summary>Which lane a frame goes to, and what becomes of attempts. All of it under the workers' gate.</summary>
internal sealed partial class FrameQueue
{
    /// <summary>The attempt that a chunk belongs to, null when it is to be dropped; what is wrong with it, if something is.</summary>
    /// <param name="isRest">It is the last one of a piece that was answered before it came.</param>
    private string? Route_NeedsLock(IncomingFrame chunk, long allowance, out PieceAttempt? attempt, out bool isBusy, out bool isRest)
    {
        attempt = null;
        isBusy = isRest = false;
        if (_entries >= capacity)
        {
            return "more frames than credit allows";
        }

        if (chunk.Piece is { } piece)
        {
            if (chunk.Transfer <= _last)
            {
                return $"transfer {chunk.Transfer} begins after {_last}";
            }

            _last = chunk.Transfer;
            if (_isDropping)
            {
                return null;
            }

            var lane = GetLane_NeedsLock(piece.Torrent);
            if (workers.IsOverShare_NeedsLock(lane, allowance))
            {
                isBusy = true;
                return null;
            }

            attempt = new PieceAttempt(chunk.Transfer, piece, lane);
            lane.Attempts++;
            _attempts.Add(chunk.Transfer, attempt);
        }
        else if (chunk.Transfer > _last)
        {
            return $"a chunk of transfer {chunk.Transfer}, which was not begun";
        }
        else if (!_attempts.TryGetValue(chunk.Transfer, out attempt))
        {
            // Answered or cancelled: the rest of its chunks is dropped.
            isRest = _rests.TryGetValue(chunk.Transfer, out var end) && chunk.Offset + chunk.Length == end && _rests.Remove(chunk.Transfer);
            return null;
        }

        attempt.Reached = chunk.Offset + chunk.Length;
        attempt.NewestChunk = time.GetTimestamp();
        attempt.Lane.Torrent.LastTraffic = attempt.NewestChunk;
        return null;
    }

    private FrameLane GetLane_NeedsLock(InfoHash torrent)
    {
        if (_lanes.TryGetValue(torrent, out var lane))
        {
            return lane;
        }

        if (_lanes.Count >= MaxIdleLanes)
        {
            foreach (var (id, idle) in _lanes)
            {
                if (idle.IsIdle)
                {
                    _lanes.Remove(id);
                    idle.Torrent.Lanes--;
                }
            }
        }

        lane = new FrameLane(this, workers.Attach_NeedsLock(torrent));
        _lanes.Add(torrent, lane);
        return lane;
    }

    /// <summary>Ends an attempt and drops what waits of it; the weight, which the caller releases outside the gate.</summary>
    /// <param name="giveUp">What the intake may hold open for it is to be given up by a worker.</param>
    private long End_NeedsLock(PieceAttempt attempt, bool giveUp)
    {
        attempt.IsEnded = true;
        attempt.Lane.Attempts--;
        _attempts.Remove(attempt.Number);
        var entries = 0;
        var dropped = workers.Drop_NeedsLock(attempt, ref entries);
        _entries -= entries;
        if (giveUp && (attempt.Outstanding > 0 || attempt.Target is not null))
        {
            workers.Enqueue_NeedsLock(attempt, null);
            _entries++;
        }

        return dropped;
    }

    /// <summary>A piece was answered whose last chunk may still come: then it has come off the wire like any other.</summary>
    private void Expect_NeedsLock(ulong transfer, int? end, int reached)
    {
        if (end > reached)
        {
            if (_rests.Count >= MaxRests)
            {
                _rests.Remove(_rests.Keys.Min());
            }

            _rests[transfer] = end.Value;
        }
    }

    private long Drop_NeedsLock()
    {
        _isDropping = true;
        var dropped = 0L;
        foreach (var attempt in _attempts.Values)
        {
            dropped += End_NeedsLock(attempt, giveUp: true);
        }

        return dropped;
    }

    private void TryDrain_NeedsLock()
    {
        if (!_isCompleted || _entries > 0)
        {
            return;
        }

        foreach (var lane in _lanes.Values)
        {
            lane.Torrent.Lanes--;
        }

        _lanes.Clear();
        _drained.TrySetResult();
    }
}
