namespace QbSync.Transport.Client.Pooling;

/// <summary>How a connection was used in a sample.</summary>
/// <param name="Slot">Its slot.</param>
/// <param name="Streams">Its streams.</param>
/// <param name="Blocked">Share of the time in which a sender waited in a write or at the most that may be in flight.</param>
/// <param name="Busy">Share of the time in which TCP had something to do; null where it does not tell.</param>
internal readonly record struct ConnectionUse(int Slot, int Streams, double Blocked, double? Busy);

/// <summary>What may be added.</summary>
internal enum GrowthKind
{
    /// <summary>Nothing: all is at its most.</summary>
    None = 0,

    /// <summary>A stream on a connection.</summary>
    Stream = 1,

    /// <summary>A connection with a stream on it.</summary>
    Connection = 2,
}

/// <summary>What is to be added next, and where.</summary>
internal readonly record struct Growth(GrowthKind Kind, int Slot);

/// <summary>
/// What holds a link that could use more: its streams, when senders wait while TCP is idle half of the time, else the network, which more connections share
/// better. Decides only.
/// </summary>
internal static class StreamScaler
{
    private const double Held = 0.8;
    private const double IdleTcp = 0.5;

    /// <summary>What to add.</summary>
    /// <param name="connections">Those that are there and not draining.</param>
    /// <param name="mostConnections">Connections that there may be.</param>
    /// <param name="mostStreams">Streams that a connection may have.</param>
    public static Growth Choose(ReadOnlySpan<ConnectionUse> connections, int mostConnections, int mostStreams)
    {
        ConnectionUse? held = null;
        ConnectionUse? fewest = null;
        var isTold = false;
        foreach (var connection in connections)
        {
            isTold |= connection.Busy is not null;
            if (connection.Streams >= mostStreams)
            {
                continue;
            }

            if (connection is { Blocked: >= Held, Busy: < IdleTcp } && (held is null || connection.Busy < held.Value.Busy))
            {
                held = connection;
            }

            if (fewest is null || connection.Streams < fewest.Value.Streams)
            {
                fewest = connection;
            }
        }

        if (held is { } stream)
        {
            return new Growth(GrowthKind.Stream, stream.Slot);
        }

        if (connections.Length < mostConnections)
        {
            return new Growth(GrowthKind.Connection, 0);
        }

        // Where TCP tells nothing, streams are all that is left to try.
        return fewest is { } least && !isTold ? new Growth(GrowthKind.Stream, least.Slot) : default;
    }
}
