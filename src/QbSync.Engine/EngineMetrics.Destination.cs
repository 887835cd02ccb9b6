using Prometheus;

namespace QbSync.Engine;

internal sealed partial class EngineMetrics
{
    partial void RegisterDestination(Counter dropped)
    {
    }
}
