using Prometheus;
using QbSync.MetricFamilies;

namespace QbSync.Storage;

internal sealed partial class StorageMetrics
{
    private Counter? _hardlinksCreated;
    private Counter.Child? _hardlinkErrors;
    private Func<int>? _countInodes;
    private Counter.Child? _bytesLinked;
    private Counter.Child? _bytesAdopted;

    /// <summary>A name was made for a file that is here already.</summary>
    public void HardlinkCreated() => _hardlinksCreated?.Inc();

    /// <summary>A name for a file that is here already could not be made.</summary>
    public void HardlinkFailed() => _hardlinkErrors?.Inc();

    /// <summary>Where the scrape counts files that can be linked to; nobody any more for null.</summary>
    public void PublishInodes(Func<int>? count) => Volatile.Write(ref _countInodes, count);

    /// <summary>Bytes of a linked file were found right, so nobody sends them.</summary>
    public void BytesLinked(long bytes) => _bytesLinked?.Inc(bytes);

    /// <summary>Bytes that lay in place, or were cloned, were found right, so nobody sends them.</summary>
    public void BytesAdopted(long bytes) => _bytesAdopted?.Inc(bytes);

    private void AddLinking(IMetricFactory factory, ScrapedOwner scraped, string mode)
    {
        _hardlinksCreated = factory.CreateCounter("qbsync_hardlinks_created_total", "Hardlinks created on destination");
        _hardlinkErrors = factory.CreateCounter("qbsync_hardlink_errors_total", "Hardlink creation failures", ["mode"]).WithLabels(mode);
        var inodes = scraped.Add(factory.CreateGauge(
            "qbsync_inode_registry_size", "Registered inodes for hardlink deduplication (destination)"));
        scraped.Read(() => inodes.Set(Volatile.Read(ref _countInodes)?.Invoke() ?? 0));
        var reused = factory.CreateCounter("qbsync_bytes_reused_total", "Bytes that were not transferred because they were here", ["how"]);
        _bytesLinked = reused.WithLabels("hardlink");
        _bytesAdopted = reused.WithLabels("adopted");
    }
}
