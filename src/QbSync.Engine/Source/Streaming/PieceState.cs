namespace QbSync.Engine.Source.Streaming;

/// <summary>Where one piece of a torrent stands. It is in one state at a time, and that is what keeps it from being sent twice.</summary>
internal enum PieceState : byte
{
    /// <summary>The client lacks it, or it is not selected.</summary>
    Absent = 0,

    /// <summary>The client has it, and nobody deals with it.</summary>
    Available = 1,

    /// <summary>Taken for sending.</summary>
    Queued = 2,

    /// <summary>A worker reads and checks it.</summary>
    Reading = 3,

    /// <summary>At the link, or sent and not answered.</summary>
    InFlight = 4,

    /// <summary>The destination holds it.</summary>
    Acknowledged = 5,
}

/// <summary>How many pieces a table has of what, and what became of its attempts. Consistent in itself.</summary>
internal readonly record struct PieceCounts(
    int Needed,
    int Available,
    int Busy,
    int InFlight,
    int Acknowledged,
    long Attempts,
    long Nacks,
    long Losses,
    long TakenBack,
    long PayloadAcknowledged)
{
    /// <summary>No piece was sent more often than an answer, a loss or the destination's own loss asked for.</summary>
    public bool AttemptsAreAccountedFor => Attempts <= Needed + Nacks + Losses + TakenBack;
}

/// <summary>What an ack did.</summary>
internal enum AckEffect
{
    /// <summary>Nothing: another attempt's, or the piece was acknowledged already.</summary>
    None = 0,

    /// <summary>The piece counts as held now.</summary>
    Acknowledged = 1,

    /// <summary>As <see cref="Acknowledged"/>, and it was the last one needed.</summary>
    AllAcknowledged = 2,
}
