using Prometheus;

namespace QbSync.Transport;

internal sealed partial class TransportMetrics
{
    private Counter? _piecesReceived;
    private Counter? _bytesReceived;

    /// <summary>The destination's families.</summary>
    /// <param name="workers">Pieces waiting for a worker, and workers busy.</param>
    /// <param name="budget">Bytes of the receive budget in use, and its limit.</param>
    public static TransportMetrics ForDestination(
        IMetricFactory factory, CollectorRegistry registry, Func<(int Waiting, int Busy)> workers, Func<(long InUse, long Limit)> budget)
    {
        var metrics = new TransportMetrics(factory, registry, "destination")
        {
            _piecesReceived = factory.CreateCounter("qbsync_pieces_received_total", "Pieces received on destination"),
            _bytesReceived = factory.CreateCounter("qbsync_bytes_received_total", "Bytes received on destination (aggregate)"),
        };
        var waiting = factory.CreateGauge("qbsync_write_worker_queue_depth", "Pieces queued waiting for a destination write worker");
        var busy = factory.CreateGauge("qbsync_write_workers_busy", "Destination write workers currently processing");
        var inUse = factory.CreateGauge("qbsync_receive_budget_bytes_in_use", "Bytes of received chunks that are held or may still come");
        var limit = factory.CreateGauge("qbsync_receive_budget_limit_bytes", "Most bytes of received chunks that are held");
        metrics.OnCollect(() =>
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

    /// <summary>A piece's last chunk came off the wire, whatever the verdict.</summary>
    public void PieceReceived() => _piecesReceived?.Inc();

    /// <summary>A chunk came off the wire, kept or not.</summary>
    public void ChunkReceived(int bytes) => _bytesReceived?.Inc(bytes);
}
