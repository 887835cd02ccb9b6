namespace QbSync.Transport.Client.Connections;

/// <summary>What a connection carries.</summary>
internal enum ConnectionKind
{
    /// <summary>Every verb but piece streams.</summary>
    Control = 0,

    /// <summary>Piece streams only, so that no call queues behind pieces.</summary>
    Data = 1,

    /// <summary>A pairing, with a peer that is not known yet.</summary>
    Pairing = 2,
}

/// <summary>
/// Makes the byte streams that connections run over, authenticated. Connections know no address: who dials, and how, is decided here. Thread-safe.
/// </summary>
internal interface IPeerConnector
{
    /// <summary>A new connection to the peer. Whoever gets it disposes its stream.</summary>
    /// <param name="kind">What it will carry.</param>
    /// <param name="slot">The data connection's slot; 0 for others.</param>
    /// <param name="cancellationToken">Gives the attempt up.</param>
    ValueTask<PeerConnection> ConnectAsync(ConnectionKind kind, int slot, CancellationToken cancellationToken);
}
