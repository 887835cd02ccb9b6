using System.Net.Sockets;

namespace QbSync.Transport.Client.Connections;

/// <summary>What the kernel knows of a TCP connection's way, for people to see.</summary>
public sealed record TcpWay
{
    /// <summary>Smoothed round trip.</summary>
    public required TimeSpan RoundTrip { get; init; }

    /// <summary>The congestion control in force; null where it is not known.</summary>
    public string? Congestion { get; init; }

    /// <summary>The most bytes that the peer can ever say it has room for, by the scale that it agreed to; null where it is not known.</summary>
    public long? LargestWindow { get; init; }

    /// <summary>Reads it from a connected socket; null where the system tells nothing.</summary>
    public static TcpWay? Read(Socket socket) => SocketOptions.Read(socket) is { } info
        ? new TcpWay { RoundTrip = info.RoundTrip, Congestion = SocketOptions.ReadCongestion(socket), LargestWindow = info.LargestWindow }
        : null;
}
