namespace QbSync.Transport.Security;

/// <summary>The two certificates of a connection, as this side saw them: what a pairing is bound to.</summary>
internal interface IPairingFeature
{
    /// <summary>This side's.</summary>
    NodeId Ours { get; }

    /// <summary>The other's, which TLS has proven to hold the key of it.</summary>
    NodeId Theirs { get; }
}

/// <summary>Set by the listener after the handshake.</summary>
internal sealed record PairingFeature(NodeId Ours, NodeId Theirs) : IPairingFeature;
