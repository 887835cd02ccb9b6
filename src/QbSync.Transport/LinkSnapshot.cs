namespace QbSync.Transport;

/// <summary>The way to a destination as it was at one moment, for people to see; nothing decides by it.</summary>
public sealed record LinkSnapshot
{
    /// <summary>Payload sent, bytes a second.</summary>
    public double BytesPerSecond { get; init; }

    /// <summary>Streams that pieces can go over.</summary>
    public int OpenStreams { get; init; }

    /// <summary>Connections for pieces that are open.</summary>
    public int OpenConnections { get; init; }

    /// <summary>Pieces sent and not acknowledged.</summary>
    public int InFlightPieces { get; init; }

    /// <summary>Mean congestion window of a stream; null while there is none.</summary>
    public double? WindowBytes { get; init; }

    /// <summary>What TCP tells of the connections; empty where it tells nothing.</summary>
    public IReadOnlyList<LinkConnection> Connections { get; init; } = [];
}

/// <summary>A connection for pieces.</summary>
/// <param name="Index">Its number, for life.</param>
/// <param name="RoundTrip">As TCP smooths it.</param>
/// <param name="Congestion">The algorithm in force.</param>
public sealed record LinkConnection(int Index, TimeSpan RoundTrip, string Congestion);
