using System.Collections.Concurrent;
using QbSync.Outcomes;
using QbSync.Pieces;
using QbSync.Ports;
using QbSync.Testing.Destinations;
using QbSync.Torrents;

namespace QbSync.Engine.Tests.Source.World;

/// <summary>A destination far away: each call waits first, as the test says, and each answer to a piece comes later. Thread-safe.</summary>
internal sealed class SlowDestination(IDestination inner, TimeProvider time) : ForwardingDestination
{
    /// <summary>What a call waits for, by its verb and torrent.</summary>
    public Func<string, InfoHash, CancellationToken, Task> Before { get; set; } = static (_, _, _) => Task.CompletedTask;

    /// <summary>From the last chunk to its answer.</summary>
    public TimeSpan AckDelay { get; set; }

    /// <summary>When the first bytes of each piece went out.</summary>
    public ConcurrentDictionary<PieceRef, DateTimeOffset> FirstBytes { get; } = new();

    /// <summary>Torrents of each GetStatus call.</summary>
    public ConcurrentQueue<int> Batches { get; } = new();

    protected override IDestination Inner => inner;

    /// <summary>Every call takes that long on its way.</summary>
    public void SetRoundTrip(TimeSpan trip)
    {
        AckDelay = trip;
        Before = (_, _, cancellationToken) => Task.Delay(trip, time, cancellationToken);
    }

    public override ValueTask<IReadOnlyList<DestinationTorrentStatus>> GetStatusAsync(Caller caller, StatusRequest request, CancellationToken cancellationToken)
    {
        Batches.Enqueue(request.Torrents.Count);
        return base.GetStatusAsync(caller, request, cancellationToken);
    }

    public override IPieceLink OpenLink(Caller caller, IPieceLinkSink sink) => new TimedLink(inner.OpenLink(caller, new SlowSink(sink, this, time)), this, time);

    protected override Task BeforeAsync(string verb, InfoHash torrent, CancellationToken cancellationToken) => Before(verb, torrent, cancellationToken);

    private sealed class TimedLink(IPieceLink link, SlowDestination destination, TimeProvider time) : ForwardingLink(link)
    {
        public override ValueTask<SendOutcome> SendAsync(IChunkSource source, CancellationToken cancellationToken)
        {
            destination.FirstBytes.TryAdd(source.Piece, time.GetUtcNow());
            return base.SendAsync(source, cancellationToken);
        }
    }

    private sealed class SlowSink(IPieceLinkSink sink, SlowDestination destination, TimeProvider time) : ForwardingSink(sink)
    {
        public override void OnAck(in PieceAck ack)
        {
            if (destination.AckDelay == TimeSpan.Zero)
            {
                base.OnAck(ack);
                return;
            }

            var late = ack;
            _ = Task.Delay(destination.AckDelay, time).ContinueWith(
                _ => Sink.OnAck(late), CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
        }
    }
}
