using System.Net.Sockets;

namespace QbSync.Transport.Client.Connections;

/// <summary>What TCP_INFO told of a connection's present socket, and since when. Not thread-safe: the owner's loop has it.</summary>
internal sealed class ConnectionFigures
{
    // What a silent connection sends to show that it lives is no progress of its pieces.
    private const long LeastProgress = 4096;

    private Socket? _socket;
    private long _acknowledged;
    private TimeSpan? _busyAtSample;

    /// <summary>The last figures; null where there are none.</summary>
    public TcpInfo? Last { get; private set; }

    /// <summary>The algorithm in force.</summary>
    public string? Congestion { get; private set; }

    /// <summary>Decides about the socket's send buffer; null where the system's limits are not known.</summary>
    public SendBufferRule? SendBuffer { get; private set; }

    /// <summary>How much longer TCP was busy in the last sample; null when that is not known, or about another socket.</summary>
    public TimeSpan? BusyInSample { get; private set; }

    /// <summary>Takes the figures of <paramref name="socket"/>, which may be another one than before; tells whether the peer acknowledged pieces.</summary>
    public bool Take(Socket socket, in TcpInfo info, SendBufferLimits? limits)
    {
        if (socket != _socket)
        {
            Clear();
            _socket = socket;
            _acknowledged = info.Acknowledged ?? 0;
            Congestion = SocketOptions.ReadCongestion(socket);
            SendBuffer = limits is { } known ? new SendBufferRule(known) : null;
        }

        Last = info;
        if (info.Acknowledged is { } acknowledged && acknowledged - _acknowledged >= LeastProgress)
        {
            _acknowledged = acknowledged;
            return true;
        }

        return false;
    }

    /// <summary>The last figures of <paramref name="socket"/>; null where there are none.</summary>
    public TcpInfo? LastOf(Socket socket) => socket == _socket ? Last : null;

    /// <summary>The socket was given another algorithm.</summary>
    public void CongestionChanged() => Congestion = _socket is { } socket ? SocketOptions.ReadCongestion(socket) : null;

    /// <summary>Ends a sample and begins the next.</summary>
    public void Sample()
    {
        BusyInSample = Last?.Busy - _busyAtSample;
        _busyAtSample = Last?.Busy;
    }

    /// <summary>The socket is gone.</summary>
    public void Clear()
    {
        (_socket, Last, Congestion, SendBuffer) = (null, null, null, null);
        (BusyInSample, _busyAtSample, _acknowledged) = (null, null, 0);
    }
}
