using System.Runtime.ExceptionServices;
using Grpc.Core;
using Microsoft.Extensions.Logging;
using QbSync.Transport.Security;
using QbSync.Transport.Wire;
using QbSync.Transport.Wire.Protocol;

namespace QbSync.Transport.Server;

/// <summary>
/// One incoming piece stream. Its reader takes frames off the socket and never waits for a disk: credit was charged before they were sent. It ends when
/// the source ends it, soon after the server begins to stop, after five silent minutes, or, alone, when a frame is wrong.
/// </summary>
internal sealed partial class PieceStreamHandler(
    FrameQueue queue,
    AckWriter acks,
    ReceiveBudget budget,
    BudgetShare share,
    TransportMetrics metrics,
    ulong maxInFlight,
    IWayFeature? way,
    ILogger<PieceStreamHandler> logger,
    TimeProvider time)
{
    /// <summary>Transfers to be given up that may wait beside the chunks.</summary>
    public const int MaxControlFrames = 256;

    private static readonly TimeSpan SilentTime = TimeSpan.FromMinutes(5);

    // Long enough for a source that hears of the stop to let what is on its way be answered, and to end the stream itself.
    private static readonly TimeSpan StopGrace = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan UpkeepEvery = TimeSpan.FromSeconds(1);

    private readonly StandstillRule _standstill = new(TimeSpan.Zero);
    private readonly long _began = time.GetTimestamp();
    private long _newestFrame;

    /// <param name="ended">The call was given up, or the server is about to stop.</param>
    /// <param name="cancelled">The call was given up.</param>
    public async Task RunAsync(string name, uint slot, IAsyncStreamReader<IncomingFrame> frames, CancellationToken ended, CancellationToken cancelled)
    {
        using var grace = new CancellationTokenSource(Timeout.InfiniteTimeSpan, time);
        await using var stopping = ended.UnsafeRegister(static state => ((CancellationTokenSource)state!).CancelAfter(StopGrace), grace).ConfigureAwait(false);
        using var reading = CancellationTokenSource.CreateLinkedTokenSource(cancelled, grace.Token);
        Log.StreamOpened(logger, name, slot);
        var writing = RunAcksAsync(reading, cancelled);
        var failing = CancelOnFailureAsync(reading);
        _newestFrame = time.GetTimestamp();
        NoteRoundTrip();
        await using var upkeep = time.CreateTimer(_ => KeepUp(reading), null, UpkeepEvery, UpkeepEvery).ConfigureAwait(false);
        Exception? fault;
        try
        {
            fault = await ReadAsync(frames, reading.Token).ConfigureAwait(false);
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            // Cancelled by the peer, by the server's stop, by silence, by a frame that the worker could not take, or cut.
            fault = cancelled.IsCancellationRequested || e is not OperationCanceledException ? e : null;
        }

        if (fault is PeerException)
        {
            Log.StreamBroken(logger, name, slot, fault.Message);
        }

        queue.Complete(drop: fault is not null);
        await queue.Drained.ConfigureAwait(false);
        acks.Complete();
        await failing.ConfigureAwait(false);
        fault ??= queue.Failed.IsCompletedSuccessfully ? await queue.Failed.ConfigureAwait(false) : null;
        fault = await writing.ConfigureAwait(false) ?? fault;
        Log.StreamEnded(logger, name, slot, fault?.Message ?? "");
        if (fault is not null)
        {
            ExceptionDispatchInfo.Throw(fault);
        }
    }

    /// <summary>Reads until the source ends the stream (null) or sends something wrong.</summary>
    private async Task<Exception?> ReadAsync(IAsyncStreamReader<IncomingFrame> frames, CancellationToken cancellationToken)
    {
        while (await frames.MoveNext(cancellationToken).ConfigureAwait(false))
        {
            Volatile.Write(ref _newestFrame, time.GetTimestamp());
            if (Accept(frames.Current) is { } error)
            {
                return WireMapping.Malformed(error);
            }
        }

        return null;
    }

    /// <summary>Each second: answers what waits too long, and ends a stream that says nothing. A timer a frame would be felt.</summary>
    private void KeepUp(CancellationTokenSource reading)
    {
        NoteRoundTrip();
        if (!_standstill.MayEnd(time.GetElapsedTime(_began)))
        {
            return;
        }

        queue.Expire();
        if (time.GetElapsedTime(Volatile.Read(ref _newestFrame)) >= SilentTime)
        {
            reading.Cancel();
        }
    }

    private void NoteRoundTrip()
    {
        if (way is not null)
        {
            budget.NoteRoundTrip(share, way.RoundTrip);
        }
    }

    /// <summary>Queues a frame or disposes it; what is wrong with it, if something is.</summary>
    private string? Accept(IncomingFrame frame)
    {
        var isQueued = false;
        try
        {
            switch (frame.Kind)
            {
                case IncomingKind.Malformed:
                    return frame.Error;
                case IncomingKind.None:
                    return null;
                case IncomingKind.Chunk when !budget.TryReceive(share, SyncLimits.Weigh(frame.Length)):
                    return "a chunk without credit";
                case IncomingKind.Chunk:
                    metrics.ChunkReceived(frame.Length);
                    acks.Received();
                    isQueued = true;
                    return queue.Add(frame);
                case IncomingKind.Other:
                    return AcceptOther(frame.Message!);
            }

            throw new InvalidOperationException($"Frame kind {frame.Kind}.");
        }
        finally
        {
            if (!isQueued)
            {
                frame.Dispose();
            }
        }
    }

    private string? AcceptOther(SourceFrame message)
    {
        switch (message.FrameCase)
        {
            case SourceFrame.FrameOneofCase.Cancel when !queue.Cancel(message.Cancel.Transfer):
                return "more frames than credit allows";
            case SourceFrame.FrameOneofCase.ReturnCredit when !budget.TryReturn(share, message.ReturnCredit.Limit):
                return "credit was returned that had been used";
            case SourceFrame.FrameOneofCase.ReturnCredit:
                acks.Wake();
                return null;
            case SourceFrame.FrameOneofCase.Open:
                return "StreamOpen twice";
            default:
                return null;
        }
    }

    /// <summary>Runs the ack writer; its failure ends the reader. The failure, if there was one.</summary>
    private async Task<Exception?> RunAcksAsync(CancellationTokenSource reading, CancellationToken cancelled)
    {
        try
        {
            await acks.RunAsync(share, maxInFlight, cancelled).ConfigureAwait(false);
            return null;
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            await reading.CancelAsync().ConfigureAwait(false);
            return e;
        }
    }

    private async Task CancelOnFailureAsync(CancellationTokenSource reading)
    {
        if (await Task.WhenAny(queue.Failed, queue.Drained).ConfigureAwait(false) == queue.Failed)
        {
            await reading.CancelAsync().ConfigureAwait(false);
        }
    }
}
