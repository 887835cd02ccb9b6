using Microsoft.Extensions.Logging;
using Prometheus;

namespace QbSync.Transport;

internal sealed partial class TransportMetrics
{
    private Counter? _piecesReceived;
    private Counter? _bytesReceived;
    private Counter? _duplicates;

    /// <summary>The destination's families.</summary>
    /// <param name="workers">Pieces waiting for a worker, and workers busy.</param>
    /// <param name="budget">Bytes of the receive budget in use, and its limit.</param>
    /// <param name="loggers">Where a scrape that cannot read the transport is told; nowhere when null.</param>
    public static TransportMetrics ForDestination(
        IMetricFactory factory,
        CollectorRegistry registry,
        Func<(int Waiting, int Busy)> workers,
        Func<(long InUse, long Limit)> budget,
        ILoggerFactory? loggers = null)
    {
        var metrics = new TransportMetrics(factory, registry, "destination", loggers)
        {
            _piecesReceived = factory.CreateCounter("qbsync_pieces_received_total", "Pieces received on destination"),
            _bytesReceived = factory.CreateCounter("qbsync_bytes_received_total", "Bytes received on destination (aggregate)"),
            _duplicates = factory.CreateCounter("qbsync_duplicate_pieces_total", "Pieces that came although they were here already; nothing of them is written"),
        };
        var waiting = metrics.CreateGauge(factory, "qbsync_write_worker_queue_depth", "Pieces queued waiting for a destination write worker");
        var busy = metrics.CreateGauge(factory, "qbsync_write_workers_busy", "Destination write workers currently processing");
        var inUse = metrics.CreateGauge(factory, "qbsync_receive_budget_bytes_in_use", "Bytes of received chunks that are held");
        var limit = metrics.CreateGauge(factory, "qbsync_receive_budget_limit_bytes", "Most bytes of received chunks that are held");
        metrics._scraped.Read(() =>
        {
            var (waits, works) = workers();
            waiting.Set(waits);
            busy.Set(works);
            var (used, most) = budget();
            inUse.Set(used);
            limit.Set(most);
        });
        return metrics;
    }

    /// <summary>A piece's last chunk came off the wire, whatever the verdict; told when both are there.</summary>
    public void PieceReceived() => _piecesReceived?.Inc();

    /// <summary>A piece came that was here already: it is answered as held, and nothing of it is written.</summary>
    public void PieceDuplicated() => _duplicates?.Inc();

    /// <summary>A chunk came off the wire, kept or not.</summary>
    public void ChunkReceived(int bytes) => _bytesReceived?.Inc(bytes);
}
