using System.Net;
using System.Net.Sockets;

namespace QbSync.Transport.Client.Connections;

/// <summary>Dials TCP to one address, without encryption.</summary>
internal sealed class TcpPeerConnector(DnsEndPoint address) : IPeerConnector
{
    public async ValueTask<PeerConnection> ConnectAsync(ConnectionKind kind, int slot, CancellationToken cancellationToken)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(address, cancellationToken).ConfigureAwait(false);
            return new PeerConnection(new NetworkStream(socket, ownsSocket: true), socket, "local");
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}
