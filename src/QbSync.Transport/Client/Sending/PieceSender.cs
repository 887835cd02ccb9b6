using QbSync.Ports;
using QbSync.Transport.Client.Pooling;
using QbSync.Transport.Wire.Protocol;

namespace QbSync.Transport.Client.Sending;

/// <summary>
/// Hands pieces over: rents a stream, cuts the piece, and before each chunk waits in this order for credit, window and rate. As many callers at a time as
/// like; each has one stream at most. Holds no state of a piece but in the call's own frame. Thread-safe.
/// </summary>
internal sealed class PieceSender(StreamPool pool, RateLimiter limiter, ResendLedger ledger, TransportMetrics metrics)
{
    /// <summary>Sends a piece and disposes its source.</summary>
    public async ValueTask<SendOutcome> SendAsync(IChunkSource source, CancellationToken cancellationToken)
    {
        using (source)
        {
            if (await pool.RentAsync(cancellationToken).ConfigureAwait(false) is not { } stream)
            {
                return SendOutcome.Lost;
            }

            try
            {
                return await SendAsync(stream, source, cancellationToken).ConfigureAwait(false);
            }
            finally
            {
                pool.Return(stream);
            }
        }
    }

    private async ValueTask<SendOutcome> SendAsync(PooledStream stream, IChunkSource source, CancellationToken cancellationToken)
    {
        var cutter = new ChunkCutter(source.Ranges);
        var isResent = ledger.Contains(source.Piece);
        var transfer = 0UL;
        var writing = TimeSpan.Zero;
        while (cutter.TryPeek(out var offset, out var most))
        {
            var wanted = Math.Min(most, GetChunkSize(stream));
            Permit permit;
            try
            {
                permit = await pool.WaitForRoomAsync(stream, transfer, wanted, cancellationToken).ConfigureAwait(false);
                if (permit.Fate == SendingFate.Open && !limiter.TryTake(permit.Length))
                {
                    permit = await WaitForTokensAsync(stream, transfer, permit.Length, cancellationToken).ConfigureAwait(false);
                }
            }
            catch (OperationCanceledException)
            {
                await CancelAsync(stream, transfer, source).ConfigureAwait(false);
                throw;
            }

            if (permit.Fate != SendingFate.Open)
            {
                return ToOutcome(permit.Fate);
            }

            var begun = pool.BeginChunk(stream, transfer, source, permit.Length);
            if (begun == 0)
            {
                return transfer == 0 ? SendOutcome.Lost : ToOutcome(pool.GetFate(stream));
            }

            var isFirst = transfer == 0;
            transfer = begun;
            var frame = stream.Frame.SetChunk(transfer, source, offset, permit.Length, isFirst);

            // Not with the caller's token: it would end the stream, and with it other pieces.
            if (!await stream.Writer.WriteAsync(frame).ConfigureAwait(false))
            {
                return LoseAttempt(stream, transfer, source);
            }

            if (frame.WasCancelled)
            {
                pool.TakeBackChunk(stream, permit.Length);
                GiveAttempt(stream, transfer, source);
                return SendOutcome.Cancelled;
            }

            writing += pool.EndChunk(stream, transfer);
            metrics.ChunkSent(stream.Slot, permit.Length, isResent);
            cutter.Take(permit.Length);
        }

        var fate = pool.EndPiece(stream, transfer);
        metrics.PieceSent(stream.Slot, writing);
        return ToOutcome(fate);
    }

    /// <summary>Waits for the rate, meanwhile without room, and then for room again: what was paid for is used then.</summary>
    private async ValueTask<Permit> WaitForTokensAsync(PooledStream stream, ulong transfer, int length, CancellationToken cancellationToken)
    {
        pool.GiveUpRoom(stream);
        pool.MarkLimited(stream);
        await limiter.WaitAsync(length, cancellationToken).ConfigureAwait(false);
        return await pool.WaitForRoomAsync(stream, transfer, length, cancellationToken).ConfigureAwait(false);
    }

    private int GetChunkSize(PooledStream stream) =>
        Congestion.ChunkSizing.Limited(Math.Min(pool.GetChunkSize(stream), stream.MaxChunk), limiter.Rate);

    private async ValueTask CancelAsync(PooledStream stream, ulong transfer, IChunkSource source)
    {
        if (transfer != 0 && GiveAttempt(stream, transfer, source))
        {
            metrics.PieceFailed();
            var cancel = new SourceFrame { Cancel = new CancelPiece { Transfer = transfer } };
            await stream.Writer.WriteAsync(stream.Frame.SetOther(cancel)).ConfigureAwait(false);
        }
    }

    private SendOutcome LoseAttempt(PooledStream stream, ulong transfer, IChunkSource source)
    {
        if (!GiveAttempt(stream, transfer, source))
        {
            return ToOutcome(pool.GetFate(stream));
        }

        metrics.PieceFailed();
        return SendOutcome.Lost;
    }

    private bool GiveAttempt(PooledStream stream, ulong transfer, IChunkSource source)
    {
        ledger.OnFailed(source.Piece);
        return pool.GivePiece(stream, transfer, out _);
    }

    private static SendOutcome ToOutcome(SendingFate fate) => fate switch
    {
        // Answered early: the answer went to the sink, and the rest of the piece is not wanted.
        SendingFate.Open or SendingFate.Answered => SendOutcome.Sent,
        SendingFate.Lost => SendOutcome.Lost,
    };
}
