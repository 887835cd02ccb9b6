using System.Net;
using System.Net.Sockets;

namespace QbSync.Transport.Client.Connections;

/// <summary>Dials TCP to one address, without encryption.</summary>
internal sealed class TcpPeerConnector(DnsEndPoint address, bool leavesLoopback) : IPeerConnector
{
    public async ValueTask<PeerConnection> ConnectAsync(ConnectionKind kind, int slot, CancellationToken cancellationToken)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(address, cancellationToken).ConfigureAwait(false);
            if (!leavesLoopback && socket.RemoteEndPoint is IPEndPoint { Address: var found } && !IPAddress.IsLoopback(found))
            {
                throw new PeerException(PeerFault.NotTrusted, $"security: insecure is for loopback only, and {address.Host} is {found}");
            }

            return new PeerConnection(new NetworkStream(socket, ownsSocket: true), socket, "local");
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}
