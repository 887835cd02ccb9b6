using QbSync.Ports;
using QbSync.Transport.Client.Sending;
using QbSync.Transport.Congestion;

namespace QbSync.Transport.Client.Pooling;

/// <summary>What a sender may do next on its stream.</summary>
/// <param name="Fate">Whether the piece goes on.</param>
/// <param name="Length">Payload that may be handed over.</param>
internal readonly record struct Permit(SendingFate Fate, int Length);

/// <summary>Chunks and reports of a stream.</summary>
internal sealed partial class StreamPool
{
    // What a stream keeps of its credit while it sends nothing: enough to begin with.
    private const long KeptCredit = 1 << 20;
    private static readonly TimeSpan IdleAfter = TimeSpan.FromSeconds(5);

    private readonly LinkModel _link = new(congestion);

    /// <summary>Chunk size that suits the stream now.</summary>
    public int GetChunkSize(PooledStream stream)
    {
        lock (_gate)
        {
            return stream.Window.ChunkSize;
        }
    }

    /// <summary>
    /// Waits until some of <paramref name="wanted"/> may be handed over on a rented stream, and keeps that room for it until it is handed over or given up.
    /// </summary>
    /// <param name="transfer">0 before the first chunk.</param>
    public ValueTask<Permit> WaitForRoomAsync(PooledStream stream, ulong transfer, int wanted, CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            if (GetEnd(stream, transfer) is { } end)
            {
                return new ValueTask<Permit>(end);
            }

            // Who waits goes first, if time alone has made room for it.
            Admit_NeedsLock();
            if (TryPromise_NeedsLock(stream, wanted, out _))
            {
                return new ValueTask<Permit>(new Permit(SendingFate.Open, stream.Promised));
            }
        }

        metrics.WindowFull();
        return WaitAsync(stream, transfer, wanted, cancellationToken);
    }

    /// <summary>The sender waits for something else before it hands a chunk over: the room is for others.</summary>
    public void GiveUpRoom(PooledStream stream)
    {
        lock (_gate)
        {
            GiveUpRoom_NeedsLock(stream);
            Wake_NeedsLock();
        }
    }

    /// <summary>
    /// Reckons a chunk in flight, before it is written: its report may come before the write has ended. Gives the transfer, a new one for a piece's first
    /// chunk; 0 when the piece does not go on.
    /// </summary>
    public ulong BeginChunk(PooledStream stream, ulong transfer, IChunkSource source, int length)
    {
        lock (_gate)
        {
            if (stream.IsEnded || (transfer != 0 && stream.Pieces.Fate != SendingFate.Open))
            {
                return 0;
            }

            var now = clock.Now;
            _link.OnHandedOver(stream.Window, ChunkWeight.Of(length), now);
            stream.Promised = 0;
            BeginWrite_NeedsLock(stream, now);
            if (transfer == 0)
            {
                transfer = stream.Pieces.Begin(source, now);
                stream.PieceLength = GetLength(source);
                Count_NeedsLock();
            }

            stream.Pieces.OnChunk(transfer, length, now);
            return transfer;
        }
    }

    /// <summary>The chunk was taken.</summary>
    /// <returns>How long the write took.</returns>
    public TimeSpan EndChunk(PooledStream stream, ulong transfer)
    {
        lock (_gate)
        {
            var now = clock.Now;
            var took = now - (stream.WritingSince ?? now);
            EndWrite_NeedsLock(stream, now);
            stream.MovedAt = now;
            stream.Pieces.OnChunk(transfer, 0, now);
            return took;
        }
    }

    /// <summary>What was begun as a chunk went out as a cancellation, which weighs nothing.</summary>
    public void TakeBackChunk(PooledStream stream, int length)
    {
        lock (_gate)
        {
            EndWrite_NeedsLock(stream, clock.Now);
            _link.TakeBack(stream.Window, ChunkWeight.Of(length), clock.Now);
            Wake_NeedsLock();
        }
    }

    /// <summary>The piece's last chunk was taken.</summary>
    public SendingFate EndPiece(PooledStream stream, ulong transfer)
    {
        lock (_gate)
        {
            return stream.Pieces.OnWhole(transfer, stream.Window.HandedOver, clock.Now) ? SendingFate.Open : stream.Pieces.Fate;
        }
    }

    /// <summary>Ends an attempt that is not to be answered; false when it is not in flight any more.</summary>
    public bool GivePiece(PooledStream stream, ulong transfer, out InFlightPiece piece)
    {
        lock (_gate)
        {
            var given = stream.Pieces.Give(transfer, out piece);
            Count_NeedsLock();
            return given;
        }
    }

    /// <summary>What became of the attempt that began last on a stream.</summary>
    public SendingFate GetFate(PooledStream stream)
    {
        lock (_gate)
        {
            return stream.Pieces.Fate;
        }
    }

    /// <summary>What is measured now is not the link.</summary>
    public void MarkLimited(PooledStream stream)
    {
        lock (_gate)
        {
            _link.MarkLimited(stream.Window);
        }
    }

    /// <summary>Takes the destination's numbers; false when no honest peer can have sent them.</summary>
    public bool OnReport(PooledStream stream, ulong received, ulong credit, ulong returns, TimeSpan delay)
    {
        if (received > long.MaxValue || credit > long.MaxValue)
        {
            return false;
        }

        lock (_gate)
        {
            var now = clock.Now;
            var before = stream.Window.Received;
            if (!_link.OnReport(stream.Window, (long)received, (long)credit, returns, delay, now))
            {
                return false;
            }

            if (stream.Window.Received > before)
            {
                stream.MovedAt = now;
                _slotReported[stream.Slot] += stream.Window.Received - before;
                stream.Pieces.OnReceived((long)received, now);
            }

            Wake_NeedsLock();
            return true;
        }
    }

    /// <summary>Takes an answer; gives the attempt and how long it waited for it since its last chunk.</summary>
    public AnswerKind OnAnswer(PooledStream stream, ulong transfer, out InFlightPiece piece, out TimeSpan waited)
    {
        lock (_gate)
        {
            var kind = stream.Pieces.Answer(transfer, out piece);
            waited = piece.IsWhole ? clock.Now - piece.WholeAt : TimeSpan.Zero;
            if (kind == AnswerKind.InFlight)
            {
                if (!piece.IsWhole)
                {
                    Leave_NeedsLock(stream);
                }

                Count_NeedsLock();
            }

            return kind;
        }
    }

    /// <summary>An idle stream rents itself to give credit back that others may need; the limit to be told.</summary>
    private long? TryReturnCredit_NeedsLock(PooledStream stream, TimeSpan now)
    {
        var window = stream.Window;
        if (stream.IsRented || stream.IsDraining || window.InFlight > 0 || now - window.LastBusy < IdleAfter || window.Credit - window.HandedOver <= KeptCredit)
        {
            return null;
        }

        stream.IsRented = true;
        return _link.ReturnCredit(window, KeptCredit);
    }

    private static int GetLength(IChunkSource source)
    {
        var (offset, length) = source.Ranges[^1];
        return offset + length;
    }
}
