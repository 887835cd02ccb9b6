using QbSync.Throughput.Measuring;
using QbSync.Transport;

namespace QbSync.Throughput.Transport;

/// <summary>How the two halves of the transport know each other: as paired nodes, or, without encryption, not at all.</summary>
internal static class LayerSecurity
{
    public static SecurityOptions Read(LayerSettings settings) => settings.IsOn("tls")
        ? new SecurityOptions { Mode = SecurityMode.Paired, IdentityFile = settings.All["identity"], PeersFile = settings.All["peers"] }
        : new SecurityOptions { Mode = SecurityMode.Insecure };
}
