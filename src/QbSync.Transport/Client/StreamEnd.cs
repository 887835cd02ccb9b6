namespace QbSync.Transport.Client;

/// <summary>Why a stream ended. The first cause counts.</summary>
internal enum StreamEnd
{
    /// <summary>It has not.</summary>
    None = 0,

    /// <summary>We closed it: shutdown, or it was removed.</summary>
    Asked = 1,

    /// <summary>The server ended the call without an error.</summary>
    Finished = 2,

    /// <summary>The call failed: connection, status, anything unexpected.</summary>
    Failed = 3,

    /// <summary>The server broke the protocol.</summary>
    Breach = 4,

    /// <summary>No chunk was taken for the send timeout.</summary>
    SendTimeout = 5,

    /// <summary>Nobody took the acks.</summary>
    SinkBlocked = 6,

    /// <summary>Who takes the acks threw.</summary>
    SinkFailed = 7,
}
