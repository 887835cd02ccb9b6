using QbSync.Transport.Client.Sending;

namespace QbSync.Transport.Client.Pooling;

/// <summary>What metrics show of a pool, at one moment.</summary>
/// <param name="WindowBytes">Mean window of the streams.</param>
/// <param name="WindowPieces">Mean of window by piece length.</param>
internal sealed record PoolSnapshot(double WindowBytes, double WindowPieces);

/// <summary>What the clock asks for.</summary>
internal sealed partial class StreamPool
{
    // Shorter than the server's patience with an idle stream, so that one lost sign of life is none too many.
    private static readonly TimeSpan PingAfter = TimeSpan.FromSeconds(60);

    /// <summary>An answer at the peer's own limit still has to travel.</summary>
    public static readonly TimeSpan AnswerMargin = TimeSpan.FromSeconds(5);

    private PoolSnapshot _snapshot = new(0, 0);
    private int _inFlight;

    /// <summary>Attempts that began and were not answered.</summary>
    public int InFlightPieces => Volatile.Read(ref _inFlight);

    /// <summary>Gives the attempts that nothing was heard of, and ends or pings the streams that need it.</summary>
    public List<InFlightPiece> Sweep(TimeSpan pieceTimeout, TimeSpan sendTimeout)
    {
        List<InFlightPiece> stale = [];
        List<PooledStream> stuck = [];
        List<PooledStream> silent = [];
        List<(PooledStream Stream, long Limit)> idle = [];
        lock (_gate)
        {
            var now = clock.Now;
            foreach (var stream in _streams)
            {
                var patience = stream.AnswerWithin + AnswerMargin > pieceTimeout ? stream.AnswerWithin + AnswerMargin : pieceTimeout;
                stream.Pieces.GiveStale(now - patience, stream.MovedAt, stale);
                var movedAt = stream.TcpMovedAt > stream.MovedAt ? stream.TcpMovedAt : stream.MovedAt;
                if (stream.WritingSince is { } since && now - since >= sendTimeout && now - movedAt >= sendTimeout)
                {
                    stuck.Add(stream);
                }
                else if (!stream.IsRented && !stream.IsDraining && now - stream.MovedAt >= PingAfter)
                {
                    // Not one that drains: whoever drained it takes it next, to end it.
                    stream.IsRented = true;
                    stream.MovedAt = now;
                    silent.Add(stream);
                }
                else if (TryReturnCredit_NeedsLock(stream, now) is { } limit)
                {
                    idle.Add((stream, limit));
                }
            }

            // A stream that stands still gives the link's window to others by time alone.
            Wake_NeedsLock();
            Count_NeedsLock();
            Publish_NeedsLock();
        }

        stuck.ForEach(static stream => stream.Writer.End(StreamEnd.SendTimeout));
        silent.ForEach(static stream => stream.Writer.Ping());
        idle.ForEach(static returned => returned.Stream.Writer.ReturnCredit(returned.Limit));
        return stale;
    }

    /// <summary>Gives every attempt in flight: their answers have had their time.</summary>
    public List<InFlightPiece> GiveUnanswered()
    {
        List<InFlightPiece> unanswered = [];
        lock (_gate)
        {
            foreach (var stream in _streams)
            {
                stream.Pieces.GiveUnanswered(unanswered);
            }

            Wake_NeedsLock();
            Count_NeedsLock();
        }

        return unanswered;
    }

    /// <summary>What metrics show, without the gate: a scrape never waits for senders.</summary>
    public PoolSnapshot GetSnapshot() => Volatile.Read(ref _snapshot);

    /// <summary>After each change of a table: shows the number and tells who waits for none.</summary>
    private void Count_NeedsLock()
    {
        var (inFlight, isRented) = (0, false);
        foreach (var stream in _streams)
        {
            inFlight += stream.Pieces.Count;
            isRented |= stream.IsRented;
            if (stream.Drained is { } drained && !stream.IsRented && stream.Pieces.Count == 0)
            {
                drained.TrySetResult();
            }
        }

        Volatile.Write(ref _inFlight, inFlight);
        if (_idle is { } idle && inFlight == 0 && !isRented)
        {
            idle.TrySetResult();
        }
    }

    private void Publish_NeedsLock()
    {
        var (open, bytes, pieces) = (0, 0.0, 0.0);
        foreach (var stream in _streams)
        {
            open += stream.IsDraining ? 0 : 1;
            bytes += stream.Window.Size;
            pieces += (double)stream.Window.Size / stream.PieceLength;
        }

        var streams = Math.Max(1, _streams.Count);
        Volatile.Write(ref _open, open);
        Volatile.Write(ref _snapshot, new PoolSnapshot(bytes / streams, pieces / streams));
    }
}
