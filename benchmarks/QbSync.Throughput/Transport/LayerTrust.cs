using QbSync.Transport.Security;

namespace QbSync.Throughput.Transport;

/// <summary>Two identities that are paired with each other, for the encrypted variants.</summary>
internal sealed class LayerTrust(string folder)
{
    private const string Source = "source";
    private const string Destination = "destination";

    public IEnumerable<KeyValuePair<string, string>> ForSource { get; } = ToSettings(folder, Source);

    public IEnumerable<KeyValuePair<string, string>> ForDestination { get; } = ToSettings(folder, Destination);

    public async Task MakeAsync()
    {
        using var source = NodeIdentity.LoadOrCreate(Identity(folder, Source), TimeProvider.System);
        using var destination = NodeIdentity.LoadOrCreate(Identity(folder, Destination), TimeProvider.System);
        using var known = PeerStore.Open(Peers(folder, Source), TimeProvider.System);
        await known.AddAsync(new Peer(destination.Id, Destination), CancellationToken.None);
        using var knownThere = PeerStore.Open(Peers(folder, Destination), TimeProvider.System);
        await knownThere.AddAsync(new Peer(source.Id, Source), CancellationToken.None);
    }

    private static KeyValuePair<string, string>[] ToSettings(string folder, string side) => [new("identity", Identity(folder, side)), new("peers", Peers(folder, side))];

    private static string Identity(string folder, string side) => Path.Combine(folder, $"{side}.pem");

    private static string Peers(string folder, string side) => Path.Combine(folder, $"{side}.peers.json");
}
