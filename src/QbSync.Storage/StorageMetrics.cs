using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Prometheus;
using QbSync.MetricFamilies;

namespace QbSync.Storage;

/// <summary>
/// The metric families that storage owns, those of its role only. Families of both roles stand here, those of one role in its partial. Verbs are called
/// outside locks, once per event, and do not throw.
/// </summary>
internal sealed partial class StorageMetrics
{
    /// <summary>The role that writes pieces.</summary>
    public const string Destination = "destination";

    private readonly Counter.Child _stateSaveErrors;
    private readonly Gauge.Child _openFiles;
    private Func<int>? _countOpenFiles;

    /// <summary>Registers the families of <paramref name="mode"/>.</summary>
    /// <param name="factory">Makes the families.</param>
    /// <param name="registry">The registry that is scraped.</param>
    /// <param name="mode">The role.</param>
    /// <param name="loggers">Where a scrape that cannot read storage is told; nowhere when null.</param>
    public StorageMetrics(IMetricFactory factory, CollectorRegistry registry, string mode, ILoggerFactory? loggers = null)
    {
        var logger = (loggers ?? NullLoggerFactory.Instance).CreateLogger<StorageMetrics>();
        var scraped = new ScrapedOwner(factory, registry, "storage", fault => Log.NotReadable(logger, fault));
        _openFiles = scraped.Add(factory.CreateGauge("qbsync_open_file_handles", "Files held open", ["mode"])).WithLabels(mode);
        scraped.Read(() => _openFiles.Set(Volatile.Read(ref _countOpenFiles)?.Invoke() ?? 0));
        _stateSaveErrors = SharedMetricFamilies.StateSaveErrors(factory).WithLabels(mode);
        if (mode == Destination)
        {
            AddWriting(factory, scraped, mode);
            AddLinking(factory, scraped, mode);
        }
        else
        {
            AddReading(factory);
        }
    }

    /// <summary>A durable write of state failed.</summary>
    public void StateSaveFailed() => _stateSaveErrors.Inc();

    /// <summary>Where the scrape counts open content files; nobody any more for null.</summary>
    public void PublishOpenFiles(Func<int>? count) => Volatile.Write(ref _countOpenFiles, count);

    partial void AddWriting(IMetricFactory factory, ScrapedOwner scraped, string mode);

    partial void AddReading(IMetricFactory factory);
}
