using QbSync.Throughput.Measuring;
using QbSync.Transport;
using QbSync.Transport.Security;

namespace QbSync.Throughput.Transport;

/// <summary>How the two halves of the transport know each other: not at all or, with TLS, as paired nodes whose files lie beside the test's.</summary>
internal static class LayerSecurity
{
    private const string Source = "source";
    private const string Destination = "destination";

    public static TransportClientOptions Client(LayerSettings settings) => new() { Address = settings.All["address"], Security = Of(settings, Source) };

    public static SecurityOptions Server(LayerSettings settings) => Of(settings, Destination);

    /// <summary>Makes both identities and lets each trust the other.</summary>
    public static async Task PairAsync(string folder)
    {
        await TrustAsync(folder, Source, Destination);
        await TrustAsync(folder, Destination, Source);
    }

    private static async Task TrustAsync(string folder, string ours, string theirs)
    {
        using var other = NodeIdentity.LoadOrCreate(In(folder, theirs).IdentityFile, TimeProvider.System);
        using var peers = PeerStore.Open(In(folder, ours).PeersFile, TimeProvider.System);
        await peers.AddAsync(new Peer(other.Id, theirs), CancellationToken.None);
    }

    private static SecurityOptions Of(LayerSettings settings, string role) =>
        settings.IsOn("tls") ? In(Path.GetDirectoryName(settings.Source)!, role) : new() { Mode = SecurityMode.Insecure };

    private static SecurityOptions In(string folder, string role) => new()
    {
        IdentityFile = Path.Combine(folder, $"{role}.pem"),
        PeersFile = Path.Combine(folder, $"{role}.peers.json"),
    };
}
