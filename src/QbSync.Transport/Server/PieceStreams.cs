using Grpc.Core;
using Microsoft.Extensions.Logging;
using Prometheus;
using QbSync.Ports;
using QbSync.Transport.Security;
using QbSync.Transport.Wire;
using QbSync.Transport.Wire.Protocol;

namespace QbSync.Transport.Server;

/// <summary>What all piece streams of a server share: budget, workers, buffers, limits, metrics. Owned by the container. Thread-safe.</summary>
internal sealed class PieceStreams
{
    private static readonly TimeSpan OpenTime = TimeSpan.FromSeconds(10);
    private readonly IPieceIntake _intake;
    private readonly SessionTable _sessions;
    private readonly WriteWorkers _workers;
    private readonly TransportServerOptions _options;
    private readonly ILogger<PieceStreamHandler> _logger;
    private readonly TimeProvider _time;
    private readonly PeerRates _rates;
    private int _streams;

    public PieceStreams(
        IPieceIntake intake,
        SessionTable sessions,
        WriteWorkers workers,
        TransportServerOptions options,
        IMetricFactory metrics,
        CollectorRegistry registry,
        ILoggerFactory loggers,
        TimeProvider time)
    {
        (_intake, _sessions, _workers, _options, _logger, _time) = (intake, sessions, workers, options, loggers.CreateLogger<PieceStreamHandler>(), time);
        var budget = new ReceiveBudget(options.ReceiveBudget, options.StreamWindow, time);
        _rates = new PeerRates(time);
        Budget = budget;
        Metrics = TransportMetrics.ForDestination(metrics, registry, () => workers.Snapshot, () => (budget.InUse, budget.Limit), loggers);
    }

    public ReceiveBudget Budget { get; }

    public TransportMetrics Metrics { get; }

    /// <summary>Serves one stream until it ends. Its first frame is read before anything is refused, or its source might learn no reason.</summary>
    /// <param name="ended">The call was given up, or the server is about to stop.</param>
    public async Task RunAsync(
        ServerCallContext call,
        IAsyncStreamReader<IncomingFrame> frames,
        IServerStreamWriter<DestinationFrame> answers,
        CancellationToken ended)
    {
        uint slot;
        try
        {
            slot = await ReadOpenAsync(frames, ended).ConfigureAwait(false);
        }
        catch (Exception e) when (e is PeerException or OperationCanceledException && !call.CancellationToken.IsCancellationRequested)
        {
            // It was refused, or came while the server stops; one that its source gave up was not.
            Metrics.StreamOpenFailed();
            throw;
        }

        var peer = CallerIdentity.PeerOf(call);
        using var lease = _sessions.Take(call.RequestHeaders, peer);
        try
        {
            if (Interlocked.Increment(ref _streams) > WriteWorkers.MaxQueues)
            {
                Metrics.StreamOpenFailed();
                throw new PeerException(PeerFault.Limit, $"{WriteWorkers.MaxQueues} streams are open.");
            }

            var way = call.GetHttpContext().Features.Get<IWayFeature>();
            await ServeAsync(lease.Caller, _rates.Get(peer), way, slot, frames, answers, ended, call.CancellationToken).ConfigureAwait(false);
        }
        finally
        {
            Interlocked.Decrement(ref _streams);
        }
    }

    private async Task ServeAsync(
        Caller caller,
        PeerRate rate,
        IWayFeature? way,
        uint slot,
        IAsyncStreamReader<IncomingFrame> frames,
        IServerStreamWriter<DestinationFrame> answers,
        CancellationToken ended,
        CancellationToken cancelled)
    {
        var acks = new AckWriter(answers, Budget, Metrics, _options.AckDelay, _time);
        var share = Budget.Open(acks.Wake, rate);
        try
        {
            var assembler = new PieceAssembler(_intake, caller, acks, Metrics);
            var capacity = _options.StreamWindow / SyncLimits.LeastWeight + PieceStreamHandler.MaxControlFrames;
            var patience = _options.AnswerWithin - _options.AnswerWithin / 9; // 40 of 45 s: the rest is for the answer's way
            var queue = new FrameQueue(_workers, assembler, Budget, share, acks, capacity, patience, _time);
            var handler = new PieceStreamHandler(queue, acks, Budget, share, Metrics, (ulong)_options.StreamWindow, way, _logger, _time);
            await handler.RunAsync(caller.Name, slot, frames, ended, cancelled).ConfigureAwait(false);
        }
        finally
        {
            Budget.Close(share);
        }
    }

    private async Task<uint> ReadOpenAsync(IAsyncStreamReader<IncomingFrame> frames, CancellationToken ended)
    {
        using var patience = new CancellationTokenSource(OpenTime, _time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(ended, patience.Token);
        try
        {
            if (!await frames.MoveNext(either.Token).ConfigureAwait(false))
            {
                throw WireMapping.Malformed("a piece stream ended before it began");
            }
        }
        catch (OperationCanceledException) when (patience.IsCancellationRequested && !ended.IsCancellationRequested)
        {
            throw new PeerException(PeerFault.Timeout, "StreamOpen did not come in time.");
        }

        using var frame = frames.Current;
        return frame.Message is { FrameCase: SourceFrame.FrameOneofCase.Open } message
            ? message.Open.Slot
            : throw WireMapping.Malformed("a piece stream does not begin with StreamOpen");
    }
}
