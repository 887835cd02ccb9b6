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

    /// <summary>Registers the families of <paramref name="mode"/>.</summary>
    public StorageMetrics(IMetricFactory factory, CollectorRegistry registry, string mode)
    {
        _stateSaveErrors = SharedMetricFamilies.StateSaveErrors(factory).WithLabels(mode);
        if (mode == Destination)
        {
            AddWriting(factory, registry, mode);
            AddLinking(factory, mode);
        }
        else
        {
            AddReading(factory, registry, mode);
        }
    }

    /// <summary>A durable write of state failed.</summary>
    public void StateSaveFailed() => _stateSaveErrors.Inc();

    partial void AddWriting(IMetricFactory factory, CollectorRegistry registry, string mode);

    partial void AddReading(IMetricFactory factory, CollectorRegistry registry, string mode);
}
