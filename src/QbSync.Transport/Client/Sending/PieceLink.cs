using Microsoft.Extensions.Logging;
using QbSync.Ports;
using QbSync.Transport.Client.Connections;
using QbSync.Transport.Client.Pooling;

namespace QbSync.Transport.Client.Sending;

/// <summary>
/// The way to send pieces over gRPC: slots that keep streams open, a pool that senders choose from, and a tick that finds what is stuck. Thread-safe; whoever
/// opened it disposes it, which waits for the answers of what is in flight.
/// </summary>
internal sealed partial class PieceLink : IPieceLink, ILinkState
{
    private static readonly TimeSpan UpkeepEvery = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan FinishTimeout = TimeSpan.FromSeconds(5);

    private readonly LinkParts _parts;
    private readonly LinkClock _clock;
    private readonly RateLimiter _limiter;
    private readonly PieceSender _sender;
    private readonly ConnectionSet _connections;
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _upkeep;
    private Task? _closing;

    /// <summary>Opens it: streams come up by themselves.</summary>
    public PieceLink(
        TransportClientOptions options,
        IPeerSession session,
        IPeerConnector connector,
        IPieceLinkSink sink,
        TransportMetrics metrics,
        ILoggerFactory loggers,
        TimeProvider time,
        Random random)
    {
        var clock = _clock = new LinkClock(time);
        var logger = loggers.CreateLogger<PieceLink>();
        var pool = new StreamPool(clock, metrics, options.Congestion);
        var ledger = new ResendLedger();
        _limiter = new RateLimiter(time, clock);
        _limiter.SetRate(options.RateLimit);
        _parts = new LinkParts(
            options, session, pool, _limiter, sink, new LinkEvents(pool, sink, options.Address, logger), ledger, metrics, logger, time);
        _sender = new PieceSender(pool, _limiter, ledger, metrics);
        _connections = new ConnectionSet(_parts, clock, connector, random);
        metrics.AddLink(this);
        _upkeep = Task.Run(() => KeepUpAsync(_stop.Token));
    }

    /// <inheritdoc cref="IPieceLink.OpenStreams" />
    public int OpenStreams => _parts.Pool.OpenStreams;

    int ILinkState.InFlightPieces => _parts.Pool.InFlightPieces;

    int ILinkState.OpenConnections => _connections.Open;

    bool ILinkState.IsScalingPaused => _connections.IsPaused;

    IReadOnlyList<ConnectionState> ILinkState.Connections => _connections.States;

    (double Bytes, double Pieces) ILinkState.Window
    {
        get
        {
            var snapshot = _parts.Pool.GetSnapshot();
            return (snapshot.WindowBytes, snapshot.WindowPieces);
        }
    }

    public ValueTask<SendOutcome> SendAsync(IChunkSource source, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(source);
        return _sender.SendAsync(source, cancellationToken);
    }

    /// <summary>It was closed, or is being closed.</summary>
    public bool IsClosed => Volatile.Read(ref _closing) is not null;

    /// <summary>The destination is about to stop: what is in flight is awaited, then its streams are opened anew.</summary>
    public void OnPeerStopping() => _connections.ReplaceAll();

    /// <summary>A small call to the destination took so long.</summary>
    public void OnCall(TimeSpan roundTrip) => _parts.Pool.OnCall(roundTrip);

    public void SetRateLimit(long bytesPerSecond) => _limiter.SetRate(bytesPerSecond);

    public void SetDialing(bool allowed) => _parts.Dialing.Set(allowed);

    /// <summary>What is counted as lost here has its end here: an answer that comes a moment later is a late one.</summary>
    public void GiveUp()
    {
        var lost = _parts.Pool.GiveUnanswered();
        if (lost.Count == 0)
        {
            return;
        }

        _parts.Metrics.PieceFailed(lost.Count);
        _parts.Metrics.DrainTimedOut(lost.Count);
        Log.DrainTimedOut(_parts.Logger, lost.Count);
        foreach (var piece in lost)
        {
            _parts.Ledger.OnFailed(piece.Piece);

            // Who is still handing a piece over learns of its loss by that call.
            if (piece.IsWhole)
            {
                _parts.Events.Lost(piece, PieceLossCause.Closed);
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        var closing = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        if (Interlocked.CompareExchange(ref _closing, closing.Task, null) is { } already)
        {
            await already.ConfigureAwait(false);
            return;
        }

        try
        {
            await CloseAsync().ConfigureAwait(false);
        }
        finally
        {
            closing.SetResult();
        }
    }

    private async Task CloseAsync()
    {
        var idle = _parts.Pool.CloseAsync();
        Log.LinkClosing(_parts.Logger, _parts.Pool.InFlightPieces);
        await _connections.StopOpeningAsync().ConfigureAwait(false);
        if (!await EndsWithinAsync(idle, _parts.Options.DrainTimeout).ConfigureAwait(false))
        {
            GiveUp();
        }

        var finishing = _connections.FinishAsync();
        await EndsWithinAsync(finishing, FinishTimeout).ConfigureAwait(false);
        await _stop.CancelAsync().ConfigureAwait(false);
        await _connections.CutAsync().ConfigureAwait(false);
        await _upkeep.ConfigureAwait(false);
        if (await EndsWithinAsync(finishing, FinishTimeout).ConfigureAwait(false))
        {
            await finishing.ConfigureAwait(false);
        }
        else
        {
            Log.SinkStuck(_parts.Logger);
        }

        await _connections.DisposeAsync().ConfigureAwait(false);
        _parts.Metrics.RemoveLink(this);
    }

    private async Task<bool> EndsWithinAsync(Task task, TimeSpan limit)
    {
        using var over = new CancellationTokenSource();
        var timer = Task.Delay(limit, _parts.Time, over.Token);
        var first = await Task.WhenAny(task, timer).ConfigureAwait(false);
        await over.CancelAsync().ConfigureAwait(false);
        return first == task;
    }

    private async Task KeepUpAsync(CancellationToken stop)
    {
        using var timer = new PeriodicTimer(UpkeepEvery, _parts.Time);
        var standstill = new StandstillRule(_clock.Now);
        try
        {
            while (await timer.WaitForNextTickAsync(stop).ConfigureAwait(false))
            {
                if (standstill.MayEnd(_clock.Now))
                {
                    Sweep();
                }
            }
        }
        catch (OperationCanceledException)
        {
            // The link closes.
        }
    }

    private void Sweep()
    {
        var stale = _parts.Pool.Sweep(_parts.Options.PieceTimeout, _parts.Options.SendTimeout);
        foreach (var piece in stale)
        {
            _parts.Metrics.PieceFailed();
            _parts.Metrics.PieceStale();
            _parts.Ledger.OnFailed(piece.Piece);
            _parts.Events.Lost(piece, PieceLossCause.Stale);
        }

        if (stale.Count > 0)
        {
            Log.PiecesStale(_parts.Logger, stale.Count);
        }
    }
}
