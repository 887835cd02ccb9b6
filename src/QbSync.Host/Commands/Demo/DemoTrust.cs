using QbSync.Host.Configuration;
using QbSync.Transport;
using QbSync.Transport.Security;

namespace QbSync.Host.Commands.Demo;

/// <summary>Makes two identities that nobody knows but the demo, each in its role's state folder, and lets each trust the other.</summary>
internal sealed class DemoTrust(SecurityOptions source, SecurityOptions destination, TimeProvider time)
{
    public NodeId Source { get; } = GetId(source, time);

    public NodeId Destination { get; } = GetId(destination, time);

    /// <summary>Before the destination starts: the source is its peer.</summary>
    public Task PinSourceAsync(CancellationToken cancellationToken) => PinAsync(destination, new Peer(Source, "source"), cancellationToken);

    /// <summary>Before the source starts: the destination, at its address, is its peer.</summary>
    public Task PinDestinationAsync(string address, CancellationToken cancellationToken) =>
        PinAsync(source, new Peer(Destination, "destination") { Address = address }, cancellationToken);

    /// <summary>The security of a role with these options, as the role itself reads it.</summary>
    public static SecurityOptions Of(Roles role, IReadOnlyDictionary<string, string> options)
    {
        var errors = new OptionErrors();
        var flags = options.ToDictionary(option => option.Key, IReadOnlyList<string> (option) => [option.Value]);
        return TrustSettings.Read(role, new OptionSources(flags, new Dictionary<string, string>()), errors)?.Security
            ?? throw new InvalidOperationException(string.Join(Environment.NewLine, errors.All));
    }

    private static NodeId GetId(SecurityOptions options, TimeProvider time)
    {
        using var identity = NodeIdentity.LoadOrCreate(options.IdentityFile, time);
        return identity.Id;
    }

    private async Task PinAsync(SecurityOptions options, Peer peer, CancellationToken cancellationToken)
    {
        using var peers = PeerStore.Open(options.PeersFile, time);
        await peers.AddAsync(peer with { AddedAt = time.GetUtcNow() }, cancellationToken);
    }
}
