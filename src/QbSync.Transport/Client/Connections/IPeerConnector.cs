namespace QbSync.Transport.Client.Connections;

/// <summary>Makes the byte streams that connections run over. Connections know no address: who dials, and how, is decided here. Thread-safe.</summary>
internal interface IPeerConnector
{
    /// <summary>A new byte stream to the peer. Whoever gets it disposes it.</summary>
    ValueTask<Stream> ConnectAsync(CancellationToken cancellationToken);
}
