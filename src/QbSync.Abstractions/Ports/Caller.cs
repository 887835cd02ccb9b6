namespace QbSync.Ports;

/// <summary>Who calls a destination. Over a network the server fills it from what was authenticated and from the greeting.</summary>
/// <param name="Source">Random 128-bit id of the source's state, part of every file identity. The server makes it the peer's own: no peer can name another's.</param>
/// <param name="Name">For people.</param>
public readonly record struct Caller(Guid Source, string Name)
{
    private readonly string? _peer;
    private readonly PeerGrants? _grants;

    /// <summary>Who was authenticated: a node id, a name in a certificate, a token's name; <c>local</c> where nobody was asked.</summary>
    public string Peer
    {
        get => _peer ?? "local";
        init => _peer = value;
    }

    /// <summary>What the peer may do, as it stood when the call came.</summary>
    public PeerGrants Grants
    {
        get => _grants ?? PeerGrants.Everything;
        init => _grants = value;
    }

    /// <summary>Which run of the source calls; 0 where that is not told.</summary>
    public ulong Incarnation { get; init; }

    /// <summary>The lease that the source holds, counted: a holder of an older one is refused. 0 without leases.</summary>
    public ulong LeaseEpoch { get; init; }

    /// <summary>Callers are one when their sources are: grants change while a source stays the same.</summary>
    public bool Equals(Caller other) => Source == other.Source && Name == other.Name && Peer == other.Peer
        && Incarnation == other.Incarnation && LeaseEpoch == other.LeaseEpoch;

    /// <inheritdoc />
    public override int GetHashCode() => HashCode.Combine(Source, Name, Peer, Incarnation, LeaseEpoch);
}
