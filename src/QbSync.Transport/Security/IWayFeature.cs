using System.Net.Sockets;
using QbSync.Transport.Client.Connections;

namespace QbSync.Transport.Security;

/// <summary>What the server's end knows of a connection's way. There is none where the system tells nothing.</summary>
internal interface IWayFeature
{
    /// <summary>Round trip with the queues of this moment; null when it is not known.</summary>
    TimeSpan? RoundTrip { get; }
}

/// <summary>The way of a TCP connection.</summary>
internal sealed class TcpWay(Socket socket) : IWayFeature
{
    public TimeSpan? RoundTrip => SocketOptions.Read(socket)?.RoundTrip;
}
