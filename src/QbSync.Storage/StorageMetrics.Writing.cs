using Prometheus;
using QbSync.MetricFamilies;

namespace QbSync.Storage;

internal sealed partial class StorageMetrics
{
    private Histogram? _pieceWriteDuration;
    private Histogram? _stateFlushDuration;
    private Counter? _hashMismatches;
    private Counter.Child? _pieceWriteErrors;
    private Counter.Child? _fileSyncErrors;
    private Func<int>? _countDirtyTorrents;

    /// <summary>A piece was verified, written and marked; the work took so long, summed over its chunks.</summary>
    public void PieceWritten(TimeSpan work) => _pieceWriteDuration?.Observe(work.TotalSeconds);

    /// <summary>A whole piece did not match the manifest.</summary>
    public void PieceHashMismatched() => _hashMismatches?.Inc();

    /// <summary>A piece could not be opened for or written.</summary>
    public void PieceWriteFailed() => _pieceWriteErrors?.Inc();

    /// <summary>A file or a folder could not be flushed.</summary>
    public void FileSyncFailed() => _fileSyncErrors?.Inc();

    /// <summary>A torrent's dirty state was made durable.</summary>
    public void StateFlushed(TimeSpan work) => _stateFlushDuration?.Observe(work.TotalSeconds);

    /// <summary>Where the scrape counts torrents with dirty state: from counters of their owners, without their locks.</summary>
    public void PublishDirtyTorrents(Func<int>? count) => Volatile.Write(ref _countDirtyTorrents, count);

    partial void AddWriting(IMetricFactory factory, ScrapedOwner scraped, string mode)
    {
        _pieceWriteDuration = factory.CreateHistogram(
            "qbsync_piece_write_duration_seconds",
            "Time to verify and write a piece on destination",
            new HistogramConfiguration { Buckets = [.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5] });
        _stateFlushDuration = factory.CreateHistogram(
            "qbsync_state_flush_duration_seconds",
            "Time to flush dirty torrent state to disk (destination)",
            new HistogramConfiguration { Buckets = [.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5] });
        _hashMismatches = factory.CreateCounter(
            "qbsync_piece_hash_mismatch_total", "Pieces rejected on destination due to hash mismatch (retried automatically)");
        _pieceWriteErrors = factory.CreateCounter(
            "qbsync_piece_write_errors_total", "Piece write failures (file open/truncate/write)", ["mode"]).WithLabels(mode);
        _fileSyncErrors = factory.CreateCounter(
            "qbsync_file_sync_errors_total", "File sync/close failures before finalization rename", ["mode"]).WithLabels(mode);
        var dirty = scraped.Add(factory.CreateGauge(
            "qbsync_torrents_with_dirty_state", "Torrents with state not yet flushed to disk (destination)"));
        scraped.Read(() => dirty.Set(Volatile.Read(ref _countDirtyTorrents)?.Invoke() ?? 0));
    }
}
