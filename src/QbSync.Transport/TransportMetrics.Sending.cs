using System.Globalization;
using Microsoft.Extensions.Logging;
using Prometheus;
using QbSync.Transport.Client;
using QbSync.Transport.Client.Connections;

namespace QbSync.Transport;

/// <summary>What a link shows at a scrape. Read without a lock of its owner.</summary>
internal interface ILinkState
{
    int OpenStreams { get; }

    int InFlightPieces { get; }

    int OpenConnections { get; }

    /// <summary>Whether a failed experiment holds the next one off, at this moment.</summary>
    bool IsScalingPaused { get; }

    /// <summary>What TCP tells of the open connections.</summary>
    IReadOnlyList<ConnectionState> Connections { get; }

    /// <summary>Mean window of the open streams, in bytes and in pieces.</summary>
    (double Bytes, double Pieces) Window { get; }
}

/// <summary>The source's families. Verbs per chunk and piece allocate nothing.</summary>
internal sealed partial class TransportMetrics
{
    private readonly ThroughputMeter? _throughput;
    private ILinkState[] _links = [];
    private SendingFamilies _sending = null!;

    /// <summary>The source's families.</summary>
    public static TransportMetrics ForSource(
        IMetricFactory factory, CollectorRegistry registry, TransportClientOptions options, TimeProvider time, ILoggerFactory? loggers = null)
    {
        var throughput = new ThroughputMeter(new LinkClock(time));
        var metrics = new TransportMetrics(factory, registry, "source", loggers, throughput)
        {
            _sending = new SendingFamilies(factory, options.MaxConnections),
        };
        var mostStreams = metrics.CreateGauge(factory, "qbsync_stream_pool_max_size", "Maximum configured streams");
        var mostConnections = metrics.CreateGauge(
            factory, "qbsync_grpc_connections_configured", "Maximum TCP connections configured for gRPC streaming (source)");
        metrics._scraped.Read(() =>
        {
            mostStreams.Set(options.MaxConnections * options.MaxStreamsPerConnection);
            mostConnections.Set(options.MaxConnections);
        });
        metrics._scraped.Read(metrics.CollectLinks(factory));
        return metrics;
    }

    /// <summary>Shows a link until it is removed.</summary>
    public void AddLink(ILinkState link) => Exchange(links => [.. links, link]);

    public void RemoveLink(ILinkState link) => Exchange(links => Array.FindAll(links, other => other != link));

    /// <summary>A chunk was taken by a stream's writer.</summary>
    public void ChunkSent(int slot, int bytes, bool isResent)
    {
        _sending.BytesSent[slot].Inc(bytes);
        if (isResent)
        {
            _sending.BytesResent.Inc(bytes);
        }
    }

    /// <summary>A piece's last chunk was taken by a stream's writer.</summary>
    public void PieceSent(int slot, TimeSpan writing)
    {
        _sending.PiecesSent[slot].Inc();
        _sending.SendDuration[slot].Observe(writing.TotalSeconds);
    }

    /// <summary>A success ack for an attempt in flight.</summary>
    public void PieceAcked(TimeSpan waited, int bytes)
    {
        _sending.PiecesAcked.Inc();
        _sending.PieceRtt.Observe(waited.TotalSeconds);
        _throughput!.Add(bytes);
    }

    /// <summary>An attempt ended without a success.</summary>
    public void PieceFailed(int count = 1) => _sending.PiecesFailed.Inc(count);

    /// <summary>An attempt saw neither a chunk taken nor an ack for too long.</summary>
    public void PieceStale() => _sending.StalePieces.Inc();

    /// <summary>A success for an attempt that had ended here.</summary>
    public void AckLate() => _sending.LateAcks.Inc();

    /// <summary>Attempts in flight when the drain hit its limit.</summary>
    public void DrainTimedOut(int pieces) => _sending.DrainLost.Inc(pieces);

    /// <summary>A sender begins to wait because no stream has room.</summary>
    public void WindowFull() => _sending.WindowFull.Inc();

    /// <summary>A stream that ended unasked has a working successor.</summary>
    public void StreamReplaced() => _sending.StreamReconnects.Inc();

    /// <summary>An ack loop ended; once per stream.</summary>
    public void AckLoopEnded(StreamEnd cause)
    {
        var reason = cause switch
        {
            StreamEnd.Asked => "context_cancel",
            StreamEnd.Finished => "eof",
            StreamEnd.SinkBlocked => "ack_channel_blocked",
            StreamEnd.None or StreamEnd.Failed or StreamEnd.Breach or StreamEnd.SendTimeout or StreamEnd.SinkFailed => "error",
        };
        _sending.AckLoopExits[reason].Inc();
        if (cause == StreamEnd.SinkBlocked)
        {
            _sending.AckChannelBlocked.Inc();
        }
        else if (cause == StreamEnd.SendTimeout)
        {
            _sending.SendTimeouts.Inc();
        }
    }

    /// <summary>A connection that an experiment added has carried its first chunk, or one that it removed is closed.</summary>
    public void ConnectionScaled(bool isUp) => _sending.ScaleEvents[isUp ? "up" : "down"].Inc();

    /// <summary>All links together.</summary>
    public LinkSnapshot GetLink()
    {
        var links = Volatile.Read(ref _links);
        return new LinkSnapshot
        {
            BytesPerSecond = _throughput!.BytesPerSecond,
            OpenStreams = links.Sum(static link => link.OpenStreams),
            InFlightPieces = links.Sum(static link => link.InFlightPieces),
            OpenConnections = links.Sum(static link => link.OpenConnections),
            WindowBytes = links.Length == 0 ? null : links.Average(static link => link.Window.Bytes),
            Connections = [.. links.SelectMany(static link => link.Connections).Select(static one => new LinkConnection(one.Slot, one.RoundTrip, one.Congestion))],
        };
    }

    private Action CollectLinks(IMetricFactory factory)
    {
        var inFlight = CreateGauge(factory, "qbsync_inflight_pieces", "Pieces in-flight (sent but not acked)");
        var streams = CreateGauge(factory, "qbsync_stream_pool_size", "Active streams in the pool");
        var windowPieces = CreateGauge(factory, "qbsync_adaptive_window_size", "Average adaptive window size across streams");
        var windowBytes = CreateGauge(factory, "qbsync_adaptive_window_bytes", "Average window across streams in bytes");
        var connections = CreateGauge(
            factory, "qbsync_grpc_connections_active", "Current active TCP connections to destination server (source)");
        var throughput = CreateGauge(factory, "qbsync_transfer_throughput_bytes_per_second", "Current transfer throughput");
        var paused = CreateGauge(factory, "qbsync_stream_pool_scaling_paused", "Pool scaling paused: 1=paused, 0=active");
        var collectTcp = CollectTcp(factory, _scraped);
        return () =>
        {
            var links = Volatile.Read(ref _links);
            inFlight.Set(links.Sum(static link => link.InFlightPieces));
            streams.Set(links.Sum(static link => link.OpenStreams));
            connections.Set(links.Sum(static link => link.OpenConnections));
            windowBytes.Set(links.Select(static link => link.Window.Bytes).DefaultIfEmpty().Average());
            windowPieces.Set(links.Select(static link => link.Window.Pieces).DefaultIfEmpty().Average());
            paused.Set(links.Any(static link => link.IsScalingPaused) ? 1 : 0);
            throughput.Set(_throughput!.BytesPerSecond);
            collectTcp(links);
        };
    }

    private void Exchange(Func<ILinkState[], ILinkState[]> change)
    {
        var seen = Volatile.Read(ref _links);
        while (true)
        {
            var before = Interlocked.CompareExchange(ref _links, change(seen), seen);
            if (before == seen)
            {
                return;
            }

            seen = before;
        }
    }

    private sealed class SendingFamilies(IMetricFactory factory, int slots)
    {
        public Counter.Child[] PiecesSent { get; } =
            PerSlot(slots, factory.CreateCounter("qbsync_pieces_sent_total", "Pieces sent from source", ["connection"]));

        public Counter.Child[] BytesSent { get; } =
            PerSlot(slots, factory.CreateCounter("qbsync_bytes_sent_total", "Bytes sent from source", ["connection"]));

        public Histogram.Child[] SendDuration { get; } = PerSlot(slots, factory.CreateHistogram(
            "qbsync_piece_send_duration_seconds",
            "Time to send a piece from source",
            ["connection"],
            new HistogramConfiguration { Buckets = [.01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10] }));

        public Histogram PieceRtt { get; } = factory.CreateHistogram(
            "qbsync_piece_rtt_seconds",
            "Round-trip time for piece acknowledgment",
            new HistogramConfiguration { Buckets = [.01, .025, .05, .1, .2, .3, .5, .75, 1, 2.5, 5] });

        public Counter PiecesAcked { get; } = factory.CreateCounter("qbsync_pieces_acked_total", "Pieces acknowledged by destination");

        public Counter PiecesFailed { get; } = factory.CreateCounter("qbsync_pieces_failed_total", "Piece transfer failures");

        public Counter BytesResent { get; } =
            factory.CreateCounter("qbsync_bytes_resent_total", "Bytes sent of attempts after a piece's first");

        public Counter LateAcks { get; } = factory.CreateCounter("qbsync_late_acks_total", "Pieces acknowledged after their attempt had ended");

        public Counter StalePieces { get; } = factory.CreateCounter("qbsync_stale_pieces_total", "Pieces that timed out in-flight");

        public Counter DrainLost { get; } = factory.CreateCounter(
            "qbsync_drain_timeout_pieces_lost_total", "Pieces lost due to drain timeout at shutdown");

        public Counter StreamReconnects { get; } = factory.CreateCounter("qbsync_stream_reconnects_total", "gRPC stream reconnections");

        public Counter WindowFull { get; } = factory.CreateCounter(
            "qbsync_window_full_total", "Sender blocked waiting for congestion window capacity");

        public Counter SendTimeouts { get; } = factory.CreateCounter(
            "qbsync_send_timeout_total", "Send() timed out on HTTP/2 flow control backpressure");

        public Counter AckChannelBlocked { get; } = factory.CreateCounter(
            "qbsync_ack_channel_blocked_total", "receiveAcks exited because ack channel was blocked too long");

        public Dictionary<string, Counter.Child> AckLoopExits { get; } = PerValue(
            factory.CreateCounter("qbsync_receive_acks_exit_total", "receiveAcks goroutine exits by reason", ["reason"]),
            ["context_cancel", "eof", "error", "ack_channel_blocked"]);

        public Dictionary<string, Counter.Child> ScaleEvents { get; } = PerValue(
            factory.CreateCounter("qbsync_connection_scale_events_total", "TCP connection scaling events (up/down)", ["direction"]),
            ["up", "down"]);

        private static T[] PerSlot<T>(int slots, Collector<T> family)
            where T : ChildBase =>
            [.. Enumerable.Range(0, slots).Select(slot => family.WithLabels(slot.ToString(CultureInfo.InvariantCulture)))];

        private static Dictionary<string, Counter.Child> PerValue(Counter family, string[] values) =>
            values.ToDictionary(static value => value, value => family.WithLabels(value));
    }
}
