using QbSync.Throughput.Measuring;
using QbSync.Throughput.Plain;
using QbSync.Throughput.Report;
using QbSync.Throughput.Transport;

namespace QbSync.Throughput;

/// <summary>A run between bare layers: two children, a warm-up, then all pieces from the one file into the other.</summary>
internal sealed class LayerRun(TestFile file, LayerTrust trust)
{
    public async Task<Run> RunAsync(Variant variant)
    {
        var (source, destination) = variant.Layer == Layer.Plain
            ? (PlainSource.Kind, PlainDestination.Kind)
            : (TransportSource.Kind, TransportDestination.Kind);
        List<KeyValuePair<string, string>> settings =
        [
            .. file.ToSettings(),
            new("hash", OnOff(variant.IsHashing)), new("memory", OnOff(variant.IsInMemory)), new("tls", OnOff(variant.IsEncrypted)),
        ];
        using var receiver = Child.Start(destination, [.. settings, .. trust.ForDestination]);
        using var sender = Child.Start(source, [.. settings, .. trust.ForSource, new("address", await receiver.ReadLineAsync())]);
        await sender.ReadLineAsync();
        await receiver.BeginAsync();
        await sender.BeginAsync();
        var sent = await sender.ReadFiguresAsync();
        receiver.EndInput();
        return new Run(sent, await receiver.ReadFiguresAsync());
    }

    private static string OnOff(bool value) => value ? "on" : "off";
}
