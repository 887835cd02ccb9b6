using System.Runtime.CompilerServices;
using Grpc.Core;
using Microsoft.Extensions.Logging;
using QbSync.Outcomes;
using QbSync.Ports;
using QbSync.Transport.Client.Pooling;
using QbSync.Transport.Client.Sending;
using QbSync.Transport.Wire;
using QbSync.Transport.Wire.Protocol;

namespace QbSync.Transport.Client;

/// <summary>
/// One duplex call that pieces go out on and answers come back on. Whoever rented it from the pool writes; one loop reads. It ends for exactly one cause, the
/// first, and then what it carried is reported lost, once. Made by <see cref="StreamSeat"/>, which runs and disposes it.
/// </summary>
internal sealed partial class PieceStream : IFrameWriter, IDisposable
{
    private readonly LinkParts _link;
    private readonly AsyncDuplexStreamingCall<OutgoingFrame, DestinationFrame> _call;
    private readonly CancellationTokenSource _ended;
    private readonly AckDelivery _delivery;
    private readonly ILogger _logger;
    private readonly List<InFlightPiece> _undelivered = [];

    // gRPC puts each message into a pooled array of the next power of two: with a header, 1 MiB would take 2, and larger chunks cost no less CPU.
    private const int MaxChunk = 512 << 10;

    private Task _ping = Task.CompletedTask;
    private StreamEnd _end;

    public PieceStream(int slot, LinkParts link, CallInvoker invoker, PeerSessionHandle session, CancellationToken stop)
    {
        _link = link;
        _logger = link.Logger;
        _ended = CancellationTokenSource.CreateLinkedTokenSource(stop);
        _call = invoker.AsyncDuplexStreamingCall(SyncMethods.SendPieces, null, new CallOptions(session.Headers, cancellationToken: _ended.Token));
        _delivery = new AckDelivery(link.Sink, link.Time, link.Options.AckSinkTimeout, OnSinkFailed);
        Pooled = new PooledStream(slot, this, Math.Min(session.MaxChunk, MaxChunk)) { AnswerWithin = session.AnswerWithin };
        Settled = Task.CompletedTask;
    }

    /// <summary>The pool's view of it.</summary>
    public PooledStream Pooled { get; }

    /// <summary>Whether a piece was answered on it.</summary>
    public bool HasAcks { get; private set; }

    /// <summary>Ends when the sink knows the fate of all that the stream carried. Only a sink that blocks makes it last.</summary>
    public Task Settled { get; private set; }

    /// <summary>Opens the call and waits for the peer's word.</summary>
    /// <exception cref="RpcException">The call failed.</exception>
    /// <exception cref="OperationCanceledException">No word in time, or the link closes.</exception>
    public async Task<StreamAccepted> OpenAsync()
    {
        var open = new SourceFrame { Open = new StreamOpen { Slot = (uint)Pooled.Slot } };
        await _call.RequestStream.WriteAsync(Pooled.Frame.SetOther(open)).ConfigureAwait(false);
        using var expired = new CancellationTokenSource(LinkParts.AcceptTimeout, _link.Time);
        await using var registration = expired.Token.UnsafeRegister(
            static state => ((CancellationTokenSource)state!).Cancel(), _ended).ConfigureAwait(false);
        while (await _call.ResponseStream.MoveNext(_ended.Token).ConfigureAwait(false))
        {
            if (_call.ResponseStream.Current.Accepted is { } accepted)
            {
                return accepted;
            }
        }

        throw new RpcException(_call.GetStatus());
    }

    /// <summary>Adds the stream to the pool and reads until it ends. Does not throw.</summary>
    public async Task<StreamEnd> RunAsync(StreamAccepted accepted)
    {
        var delivering = _delivery.RunAsync();
        _link.Pool.Add(
            Pooled, (long)Math.Min(accepted.Credit, long.MaxValue), (long)Math.Min(accepted.MaxInFlight, long.MaxValue));
        if (Cause != StreamEnd.None)
        {
            // Somebody ended it before it was there to be drained.
            _link.Pool.Retire(Pooled);
            Cancel();
        }

        _link.Events.Refresh();
        End(await ReadAsync().ConfigureAwait(false));
        var cause = Cause;
        var lost = _link.Pool.Remove(Pooled, isAsked: cause == StreamEnd.Asked);
        _link.Metrics.AckLoopEnded(cause);
        _link.Events.Refresh();
        _delivery.Complete();
        await _ping.ConfigureAwait(false);
        Settled = SettleAsync(delivering, lost, cause == StreamEnd.Asked ? PieceLossCause.Closed : PieceLossCause.StreamLost);
        return cause;
    }

    private StreamEnd Cause => Interlocked.CompareExchange(ref _end, StreamEnd.None, StreamEnd.None);

    /// <inheritdoc />
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public async ValueTask<bool> WriteAsync(OutgoingFrame frame)
    {
        try
        {
            await _call.RequestStream.WriteAsync(frame).ConfigureAwait(false);
            return true;
        }
        catch (RpcException e) when (e.StatusCode == StatusCode.OK)
        {
            End(StreamEnd.Finished);
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            Log.WriteFailed(_logger, Pooled.Slot, e);
            End(StreamEnd.Failed);
        }

        return false;
    }

    /// <inheritdoc />
    public void End(StreamEnd cause)
    {
        if (Interlocked.CompareExchange(ref _end, cause, StreamEnd.None) != StreamEnd.None)
        {
            return;
        }

        // Before its loop notices: senders would take a stream that fails at once again and again.
        _link.Pool.Retire(Pooled);
        Cancel();
    }

    /// <summary>We want no more of it: says so to the server, which then ends the call. What is in flight is answered before.</summary>
    public async Task FinishAsync(StreamEnd cause)
    {
        if (Interlocked.CompareExchange(ref _end, cause, StreamEnd.None) == StreamEnd.None && _link.Pool.TryRent(Pooled))
        {
            try
            {
                await _call.RequestStream.CompleteAsync().ConfigureAwait(false);
            }
            catch (Exception e) when (e is RpcException or InvalidOperationException or IOException or OperationCanceledException)
            {
                Log.WriteFailed(_logger, Pooled.Slot, e);
            }
        }
    }

    /// <summary>Ends it now, also when it was finished before and the server did not answer that.</summary>
    public void Abort(StreamEnd cause)
    {
        Interlocked.CompareExchange(ref _end, cause, StreamEnd.None);
        Cancel();
    }

    /// <inheritdoc />
    public void Ping() => _ping = SendOtherAsync(new SourceFrame { Ping = new Ping() });

    /// <inheritdoc />
    public void ReturnCredit(long limit) => _ping = SendOtherAsync(new SourceFrame { ReturnCredit = new ReturnCredit { Limit = (ulong)limit } });

    public void Dispose()
    {
        _ended.Cancel();
        _call.Dispose();
        _ended.Dispose();
    }

    private void Cancel()
    {
        try
        {
            _ended.Cancel();
        }
        catch (ObjectDisposedException)
        {
            // It was over already.
        }
    }

    private async Task SendOtherAsync(SourceFrame frame)
    {
        await WriteAsync(Pooled.Frame.SetOther(frame)).ConfigureAwait(false);
        _link.Pool.Return(Pooled);
    }

    private async Task<StreamEnd> ReadAsync()
    {
        try
        {
            while (await _call.ResponseStream.MoveNext(_ended.Token).ConfigureAwait(false))
            {
                // Arms that this build does not know are ignored.
                if (_call.ResponseStream.Current.Acks is { } batch && await TakeAsync(batch).ConfigureAwait(false) is not StreamEnd.None and var end)
                {
                    return end;
                }
            }

            return StreamEnd.Finished;
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            // A cancelled call without a cause yet was cancelled by the link's own stop.
            if (_ended.IsCancellationRequested)
            {
                return StreamEnd.Asked;
            }

            Log.StreamFailed(_logger, Pooled.Slot, e);
            return StreamEnd.Failed;
        }
    }

    private async ValueTask<StreamEnd> TakeAsync(AckBatch batch)
    {
        var delay = TimeSpan.FromMicroseconds(Math.Min(batch.DelayUs, 60_000_000));
        if (!_link.Pool.OnReport(Pooled, batch.Received, batch.Credit, batch.Returns, delay))
        {
            Log.ImpossibleReport(_logger, Pooled.Slot, batch.Received, batch.Credit);
            return StreamEnd.Breach;
        }

        foreach (var transfer in batch.Accepted)
        {
            if (await AnswerAsync(transfer, PieceAckStatus.Accepted, TimeSpan.Zero).ConfigureAwait(false) is not StreamEnd.None and var cause)
            {
                return cause;
            }
        }

        foreach (var transfer in batch.Held)
        {
            if (await AnswerAsync(transfer, PieceAckStatus.Held, TimeSpan.Zero).ConfigureAwait(false) is not StreamEnd.None and var cause)
            {
                return cause;
            }
        }

        var end = StreamEnd.None;
        foreach (var nack in batch.Nack)
        {
            var status = ToNack(nack.Status);
            var retryAfter = TimeSpan.FromMilliseconds(Math.Min(nack.RetryAfterMs, (ulong)TimeSpan.FromHours(24).TotalMilliseconds));
            if (await AnswerAsync(nack.Transfer, status, retryAfter).ConfigureAwait(false) is not StreamEnd.None and var cause)
            {
                return cause;
            }

            // One of the two is wrong about what a piece is; a new stream begins with a clean table.
            end = status == PieceAckStatus.Malformed ? StreamEnd.Breach : end;
        }

        return end;
    }

    private async ValueTask<StreamEnd> AnswerAsync(ulong transfer, PieceAckStatus status, TimeSpan retryAfter)
    {
        var kind = _link.Pool.OnAnswer(Pooled, transfer, out var piece, out var waited);
        if (kind == AnswerKind.Impossible)
        {
            Log.ImpossibleAnswer(_logger, Pooled.Slot, transfer);
            return StreamEnd.Breach;
        }

        if (kind == AnswerKind.Unknown || (kind == AnswerKind.Late && !status.IsSuccess()))
        {
            return StreamEnd.None;
        }

        HasAcks = true;
        Count(kind, status, piece, waited);
        if (await _delivery.TryPostAsync(new PieceAck(piece.Piece, piece.Attempt, status, retryAfter)).ConfigureAwait(false))
        {
            return StreamEnd.None;
        }

        if (kind == AnswerKind.InFlight)
        {
            _undelivered.Add(piece with { IsWhole = true });
        }

        return StreamEnd.SinkBlocked;
    }

    private void Count(AnswerKind kind, PieceAckStatus status, in InFlightPiece piece, TimeSpan waited)
    {
        if (status.IsSuccess())
        {
            _link.Ledger.OnHeld(piece.Piece);
        }
        else
        {
            _link.Ledger.OnFailed(piece.Piece);
        }

        if (kind == AnswerKind.Late)
        {
            _link.Metrics.AckLate();
        }
        else if (status.IsSuccess())
        {
            _link.Metrics.PieceAcked(waited, piece.Bytes);
        }
        else
        {
            _link.Metrics.PieceFailed();
            _link.Metrics.PieceRejected(status);
        }
    }

    private async Task SettleAsync(Task delivering, List<InFlightPiece> lost, PieceLossCause cause)
    {
        if (lost.Count > 0)
        {
            _link.Metrics.PieceFailed(lost.Count);
        }

        await delivering.ConfigureAwait(false);
        foreach (var piece in _undelivered.Concat(lost))
        {
            _link.Ledger.OnFailed(piece.Piece);

            // Who is still handing a piece over learns of its loss by that call.
            if (piece.IsWhole)
            {
                _link.Events.Lost(piece, cause);
            }
        }
    }

    private void OnSinkFailed(Exception exception)
    {
        Log.SinkFailed(_logger, Pooled.Slot, exception);
        End(StreamEnd.SinkFailed);
    }

    private static PieceAckStatus ToNack(AckStatus status) =>
        status is > AckStatus.Held and <= AckStatus.Malformed ? (PieceAckStatus)(int)status : PieceAckStatus.Busy;
}
