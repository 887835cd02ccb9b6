using System.Collections.Concurrent;
using QbSync.Outcomes;
using QbSync.Pieces;
using QbSync.Ports;
using QbSync.Torrents;

namespace QbSync.Engine.Tests.Source.World;

/// <summary>A destination far away: each call waits first, as the test says, and each answer to a piece comes later. Thread-safe.</summary>
internal sealed class SlowDestination(IDestination inner, TimeProvider time) : IDestination
{
    /// <summary>What a call waits for, by its verb and torrent.</summary>
    public Func<string, InfoHash, CancellationToken, Task> Before { get; set; } = static (_, _, _) => Task.CompletedTask;

    /// <summary>From the last chunk to its answer.</summary>
    public TimeSpan AckDelay { get; set; }

    /// <summary>When the first bytes of each piece went out.</summary>
    public ConcurrentDictionary<PieceRef, DateTimeOffset> FirstBytes { get; } = new();

    /// <summary>Torrents of each GetStatus call.</summary>
    public ConcurrentQueue<int> Batches { get; } = new();

    /// <summary>Every call takes that long on its way.</summary>
    public void SetRoundTrip(TimeSpan trip)
    {
        AckDelay = trip;
        Before = (_, _, cancellationToken) => Task.Delay(trip, time, cancellationToken);
    }

    public async ValueTask<DestinationGreeting> HelloAsync(Caller caller, CancellationToken cancellationToken)
    {
        await Before("Hello", InfoHash.None, cancellationToken);
        return await inner.HelloAsync(caller, cancellationToken);
    }

    public async ValueTask<IReadOnlyList<DestinationTorrentStatus>> GetStatusAsync(Caller caller, StatusRequest request, CancellationToken cancellationToken)
    {
        Batches.Enqueue(request.Torrents.Count);
        await Before("GetStatus", request.Torrents.Count == 1 ? request.Torrents[0] : InfoHash.None, cancellationToken);
        return await inner.GetStatusAsync(caller, request, cancellationToken);
    }

    public IAsyncEnumerable<DestinationUpdate> WatchAsync(Caller caller, CancellationToken cancellationToken) => inner.WatchAsync(caller, cancellationToken);

    public async ValueTask<InitOutcome> InitAsync(Caller caller, InitRequest request, CancellationToken cancellationToken)
    {
        await Before("Init", request.Id, cancellationToken);
        return await inner.InitAsync(caller, request, cancellationToken);
    }

    public async ValueTask<FinalizeOutcome> FinalizeAsync(Caller caller, FinalizeRequest request, CancellationToken cancellationToken)
    {
        await Before("Finalize", request.Id, cancellationToken);
        return await inner.FinalizeAsync(caller, request, cancellationToken);
    }

    public async ValueTask<ProveOutcome> ProveAsync(Caller caller, ProveRequest request, CancellationToken cancellationToken)
    {
        await Before("Prove", request.Id, cancellationToken);
        return await inner.ProveAsync(caller, request, cancellationToken);
    }

    public async ValueTask<StartOutcome> StartAsync(Caller caller, StartRequest request, CancellationToken cancellationToken)
    {
        await Before("Start", request.Id, cancellationToken);
        return await inner.StartAsync(caller, request, cancellationToken);
    }

    public async ValueTask<WithdrawOutcome> WithdrawAsync(Caller caller, WithdrawRequest request, CancellationToken cancellationToken)
    {
        await Before("Withdraw", request.Id, cancellationToken);
        return await inner.WithdrawAsync(caller, request, cancellationToken);
    }

    public async ValueTask<ConfirmOutcome> ConfirmHandoffAsync(Caller caller, ConfirmHandoffRequest request, CancellationToken cancellationToken)
    {
        await Before("ConfirmHandoff", request.Id, cancellationToken);
        return await inner.ConfirmHandoffAsync(caller, request, cancellationToken);
    }

    public async ValueTask<AbortOutcome> AbortAsync(Caller caller, AbortRequest request, CancellationToken cancellationToken)
    {
        await Before("Abort", request.Id, cancellationToken);
        return await inner.AbortAsync(caller, request, cancellationToken);
    }

    public IPieceLink OpenLink(Caller caller, IPieceLinkSink sink)
    {
        var slow = new SlowSink(sink, this, time);
        return new TimedLink(inner.OpenLink(caller, slow), this, time);
    }

    private sealed class TimedLink(IPieceLink link, SlowDestination destination, TimeProvider time) : IPieceLink
    {
        public int OpenStreams => link.OpenStreams;

        public ValueTask<SendOutcome> SendAsync(IChunkSource source, CancellationToken cancellationToken)
        {
            destination.FirstBytes.TryAdd(source.Piece, time.GetUtcNow());
            return link.SendAsync(source, cancellationToken);
        }

        public void SetRateLimit(long bytesPerSecond) => link.SetRateLimit(bytesPerSecond);

        public void SetDialing(bool allowed) => link.SetDialing(allowed);

        public ValueTask DisposeAsync() => link.DisposeAsync();
    }

    private sealed class SlowSink(IPieceLinkSink sink, SlowDestination destination, TimeProvider time) : IPieceLinkSink
    {
        public void OnAck(in PieceAck ack)
        {
            if (destination.AckDelay == TimeSpan.Zero)
            {
                sink.OnAck(ack);
                return;
            }

            var late = ack;
            _ = Task.Delay(destination.AckDelay, time).ContinueWith(
                _ => sink.OnAck(late), CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
        }

        public void OnLost(PieceRef piece, long attempt, PieceLossCause cause) => sink.OnLost(piece, attempt, cause);

        public void OnLinkChanged(bool connected) => sink.OnLinkChanged(connected);

        public void OnConnectFailed(TimeSpan elapsed) => sink.OnConnectFailed(elapsed);
    }
}
