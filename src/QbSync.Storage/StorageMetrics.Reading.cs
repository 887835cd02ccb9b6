using Prometheus;
using QbSync.Ports;

namespace QbSync.Storage;

internal sealed partial class StorageMetrics
{
    /// <summary>The role that reads pieces.</summary>
    public const string Source = "source";

    private readonly Counter.Child?[] _pieceReadErrors = new Counter.Child?[Enum.GetValues<PieceReadStatus>().Length];
    private Histogram? _pieceReadDuration;
    private Counter.Child? _handleHits;
    private Counter.Child? _handleMisses;
    private Counter? _handleEvictions;

    /// <summary>A cached handle served.</summary>
    public void HandleHit() => _handleHits?.Inc();

    /// <summary>A file was opened and stored.</summary>
    public void HandleMissed() => _handleMisses?.Inc();

    /// <summary>Handles left the cache.</summary>
    public void HandleEvicted(int count = 1) => _handleEvictions?.Inc(count);

    /// <summary>A piece was opened, read and right; reading alone took so long.</summary>
    public void PieceRead(TimeSpan duration) => _pieceReadDuration?.Observe(duration.TotalSeconds);

    /// <summary>A piece could not be read, or was not right.</summary>
    public void PieceNotRead(PieceReadStatus status) => _pieceReadErrors[(int)status]?.Inc();

    partial void AddReading(IMetricFactory factory)
    {
        var lookups = factory.CreateCounter("qbsync_file_handle_cache_total", "File handle cache lookups (hit/miss) on source", ["result"]);
        _handleHits = lookups.WithLabels("hit");
        _handleMisses = lookups.WithLabels("miss");
        _handleEvictions = factory.CreateCounter(
            "qbsync_file_handle_evictions_total", "File handle evictions (stale retry, fallback, or full evict)");
        _pieceReadDuration = factory.CreateHistogram(
            "qbsync_piece_read_duration_seconds",
            "Time to read a piece from disk on source",
            new HistogramConfiguration { Buckets = [.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5] });
        var errors = factory.CreateCounter(
            "qbsync_piece_read_errors_total", "Pieces that could not be read, or did not hash, before they were sent", ["reason"]);
        foreach (var status in Enum.GetValues<PieceReadStatus>())
        {
            _pieceReadErrors[(int)status] = GetReason(status) is { } reason ? errors.WithLabels(reason) : null;
        }
    }

    private static string? GetReason(PieceReadStatus status) => status switch
    {
        PieceReadStatus.Read => null,
        PieceReadStatus.Missing => "missing",
        PieceReadStatus.Short => "short",
        PieceReadStatus.Failed => "io",
        PieceReadStatus.HashMismatch => "hash_mismatch",
    };
}
