namespace QbSync.Ports;

/// <summary>How the gate before a client stands.</summary>
public enum ClientGate
{
    /// <summary>Calls go through.</summary>
    Closed = 0,

    /// <summary>Calls are refused at once, since the last ones failed; the first call after the break probes.</summary>
    Open = 1,

    /// <summary>One call tries whether the client is back; others are refused meanwhile.</summary>
    HalfOpen = 2,

    /// <summary>Calls are refused for a reason that repeating does not mend, such as wrong credentials.</summary>
    Isolated = 3,
}

/// <summary>Whether a client can be called. Immutable.</summary>
/// <param name="Gate">How the gate stands.</param>
/// <param name="Until">When the next call may try; null while the gate is closed or half open, and when only a person can change something.</param>
/// <param name="LastFault">What went wrong last; null when nothing did since the gate closed.</param>
public sealed record ClientAvailability(ClientGate Gate, DateTimeOffset? Until = null, TorrentClientException? LastFault = null)
{
    /// <summary>A client that can be called.</summary>
    public static readonly ClientAvailability Available = new(ClientGate.Closed);

    /// <summary>Whether a call made now would be sent.</summary>
    public bool AllowsCalls(DateTimeOffset now) => Gate switch
    {
        ClientGate.Closed => true,
        ClientGate.Open or ClientGate.Isolated => Until is { } until && now >= until,
        ClientGate.HalfOpen => false,
    };
}
