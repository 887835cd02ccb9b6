namespace QbSync.Transport.Congestion;

/// <summary>What a link is doing about its window.</summary>
internal enum LinkState
{
    /// <summary>It looks for the rate: the window grows with what is delivered.</summary>
    Startup = 0,

    /// <summary>It keeps little in flight for a moment, so that queues drain and a round trip shows the way's length.</summary>
    RttProbe = 1,

    /// <summary>It keeps a multiple of what it delivers in a round trip in flight.</summary>
    Steady = 2,
}

/// <summary>Why a sender may not hand a chunk over.</summary>
internal enum SendHold
{
    /// <summary>It may.</summary>
    None = 0,

    /// <summary>The receiver has no room.</summary>
    Credit = 1,

    /// <summary>As much is in flight on the stream as its window allows.</summary>
    Window = 2,

    /// <summary>As much is in flight on all streams together as the link's window allows.</summary>
    LinkWindow = 3,
}
