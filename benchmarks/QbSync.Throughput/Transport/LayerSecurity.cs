using QbSync.Throughput.Measuring;
using QbSync.Transport;

namespace QbSync.Throughput.Transport;

/// <summary>How the two halves of the transport know each other: not at all.</summary>
internal static class LayerSecurity
{
    public static TransportClientOptions Client(LayerSettings settings) => new() { Address = settings.All["address"], Security = Open() };

    public static SecurityOptions Open() => new() { Mode = SecurityMode.Insecure };
}
