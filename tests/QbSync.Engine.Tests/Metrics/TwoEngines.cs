using QbSync.Engine.Tests.Destination.Kit;
using QbSync.Engine.Tests.Source.World;
using QbSync.Testing.Metrics;

namespace QbSync.Engine.Tests.Metrics;

/// <summary>
/// Both engines, whole, on one virtual clock: the source's client is scripted, the destination has a real store and a scripted client. Nothing is between them.
/// </summary>
internal sealed class TwoEngines : IAsyncDisposable
{
    public TwoEngines()
    {
        There = new DestinationRig(time: Here.Time);
        Here.Wire = There.Engine;
    }

    public SourceWorld Here { get; } = new();

    public DestinationRig There { get; }

    /// <summary>A family's sum here and there, under the label that says which role it is.</summary>
    public (double Here, double There) Read(string family, params (string Label, string Value)[] labels) => (
        Exposition.Parse(Here.ScrapeAsync().GetAwaiter().GetResult()).Sum(family, [("mode", "source"), .. labels]),
        There.ReadMetrics().Sum(family, [("mode", "destination"), .. labels]));

    public async ValueTask DisposeAsync()
    {
        await Here.DisposeAsync();
        await There.DisposeAsync();
    }
}
