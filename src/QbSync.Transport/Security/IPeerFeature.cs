using QbSync.Ports;

namespace QbSync.Transport.Security;

/// <summary>Who is at the other end of a connection, as whatever authenticated it found. Services know of no certificate, token or address.</summary>
internal interface IPeerFeature
{
    /// <summary>A node id, a name in a certificate, a token's name; <c>local</c> where nobody was asked.</summary>
    string PeerId { get; }

    /// <summary>What it may do now: looked up at each call, since it changes while connections are open.</summary>
    PeerGrants Grants { get; }
}

/// <summary>A peer whose grants are not kept anywhere: it may do all.</summary>
internal sealed class KnownPeer(string peerId) : IPeerFeature
{
    /// <summary>Whoever reaches an insecure listener.</summary>
    public static KnownPeer Local { get; } = new("local");

    public string PeerId => peerId;

    public PeerGrants Grants => PeerGrants.Everything;
}

/// <summary>A peer whose certificate is pinned.</summary>
internal sealed class PinnedPeer(NodeId id, PeerStore peers) : IPeerFeature
{
    /// <summary>Between a removal and the end of the connection.</summary>
    private static readonly PeerGrants Nothing = new() { Roots = [], Categories = [], Quota = 0, MayStart = false, MayDelete = false };

    public NodeId Id => id;

    public string PeerId { get; } = id.ToString();

    public PeerGrants Grants => peers.Find(id)?.Grants ?? Nothing;
}
