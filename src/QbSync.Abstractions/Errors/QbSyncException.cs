namespace QbSync;

/// <summary>Base of what QbSync throws of its own accord: a promise that could not be kept. Expected outcomes are results, not exceptions.</summary>
public abstract class QbSyncException : Exception
{
    private protected QbSyncException(string message, Exception? inner = null)
        : base(message, inner)
    {
    }

    /// <summary>Whether the same call may succeed later without anybody changing anything.</summary>
    public abstract bool IsTransient { get; }
}

/// <summary>Bytes that are no acceptable <c>.torrent</c>.</summary>
public sealed class TorrentFormatException : QbSyncException
{
    /// <summary>Makes it with what is wrong and where.</summary>
    public TorrentFormatException(TorrentFormatReason reason, string message)
        : base(message) => Reason = reason;

    /// <summary>What kind of fault it is.</summary>
    public TorrentFormatReason Reason { get; }

    /// <inheritdoc />
    public override bool IsTransient => false;
}

/// <summary>Why a <c>.torrent</c> was refused.</summary>
public enum TorrentFormatReason
{
    /// <summary>The bytes are not bencode, or a field is missing, mistyped, negative or overflows.</summary>
    Malformed = 0,

    /// <summary>A limit of <see cref="Torrents.ManifestLimits"/> is exceeded.</summary>
    TooLarge = 1,

    /// <summary>Well formed, but of a version or kind that this build does not know.</summary>
    Unsupported = 2,

    /// <summary>Its v1 and v2 parts describe different content.</summary>
    Inconsistent = 3,
}

/// <summary>A torrent client could not do what it was asked.</summary>
public sealed class TorrentClientException : QbSyncException
{
    /// <summary>Makes it; the message names the option or path to change.</summary>
    public TorrentClientException(
        ClientFault fault, string operation, string message, Exception? inner = null, TimeSpan? retryAfter = null, int? status = null)
        : base(message, inner)
    {
        Fault = fault;
        Operation = operation;
        RetryAfter = retryAfter;
        Status = status;
    }

    /// <summary>What happened.</summary>
    public ClientFault Fault { get; }

    /// <summary>The verb that failed.</summary>
    public string Operation { get; }

    /// <summary>When the client asked to be asked again, if it did.</summary>
    public TimeSpan? RetryAfter { get; }

    /// <summary>The HTTP status that the client answered with; null when no status was the reason, or none came.</summary>
    public int? Status { get; }

    /// <inheritdoc />
    public override bool IsTransient => Fault is not (ClientFault.Conflict or ClientFault.Rejected or ClientFault.Unsupported or ClientFault.NotFound);
}

/// <summary>Why a call to a torrent client failed.</summary>
public enum ClientFault
{
    /// <summary>No connection, or it was cut.</summary>
    Unreachable = 0,

    /// <summary>No answer in time.</summary>
    Timeout = 1,

    /// <summary>The client asked for patience.</summary>
    Busy = 2,

    /// <summary>The client answered with a fault of its own.</summary>
    ServerError = 3,

    /// <summary>The answer could not be read.</summary>
    BrokenAnswer = 4,

    /// <summary>A change was sent and its answer lost; only a read tells.</summary>
    OutcomeUnknown = 5,

    /// <summary>The login holds but this call is forbidden.</summary>
    Forbidden = 6,

    /// <summary>The credentials were refused.</summary>
    Unauthorized = 7,

    /// <summary>The client has banned this address for too many wrong logins.</summary>
    Banned = 8,

    /// <summary>The client refused the host name that it was addressed by.</summary>
    HostRefused = 9,

    /// <summary>The certificate is not trusted.</summary>
    Untrusted = 10,

    /// <summary>The address answers with a redirect.</summary>
    Redirected = 11,

    /// <summary>Something else than a WebAPI answers there.</summary>
    NotAWebApi = 12,

    /// <summary>The client does not know the torrent; poll again, it is no proof of a removal.</summary>
    NotFound = 13,

    /// <summary>The torrent's state forbids it.</summary>
    Conflict = 14,

    /// <summary>The client refused the request itself.</summary>
    Rejected = 15,

    /// <summary>This version of the client cannot do it.</summary>
    Unsupported = 16,

    /// <summary>Not sent: too many calls failed a moment ago.</summary>
    BreakerOpen = 17,

    /// <summary>Not sent: dry run.</summary>
    DryRun = 18,
}

/// <summary>What decides who is trusted, an identity, a list of peers or a certificate, cannot be used. Nobody is trusted meanwhile.</summary>
public sealed class TrustException : QbSyncException
{
    /// <summary>Makes it; the message names the file and what to change.</summary>
    public TrustException(TrustFault fault, string path, string message, Exception? inner = null)
        : base(message, inner) => (Fault, Path) = (fault, path);

    /// <summary>What is wrong.</summary>
    public TrustFault Fault { get; }

    /// <summary>The file it is about.</summary>
    public string Path { get; }

    /// <inheritdoc />
    public override bool IsTransient => false;
}

/// <summary>Why a file of the trust cannot be used.</summary>
public enum TrustFault
{
    /// <summary>It is not there, or the system does not let us read it.</summary>
    Unreadable = 0,

    /// <summary>Others than its owner may read or write it, so it proves nothing.</summary>
    OpenToOthers = 1,

    /// <summary>Its content is not what such a file holds.</summary>
    Malformed = 2,

    /// <summary>It could not be written.</summary>
    NotWritable = 3,
}

/// <summary>The peer could not be reached, or did not keep to the protocol.</summary>
public sealed class PeerException : QbSyncException
{
    /// <summary>Makes it; the message names the address or option to look at.</summary>
    public PeerException(PeerFault fault, string message, Exception? inner = null)
        : base(message, inner) => Fault = fault;

    /// <summary>What happened.</summary>
    public PeerFault Fault { get; }

    /// <inheritdoc />
    public override bool IsTransient => Fault is PeerFault.Unreachable or PeerFault.Timeout or PeerFault.Limit;
}

/// <summary>Why a call to the peer failed.</summary>
public enum PeerFault
{
    /// <summary>No connection, or it was cut, or the peer failed inside.</summary>
    Unreachable = 0,

    /// <summary>No answer before the deadline.</summary>
    Timeout = 1,

    /// <summary>The peer's limit named in the message was reached.</summary>
    Limit = 2,

    /// <summary>No common protocol version, or a verb that the peer lacks.</summary>
    ProtocolMismatch = 3,

    /// <summary>The peer does not accept who we are, or is not who it was.</summary>
    NotTrusted = 4,

    /// <summary>The peer broke the protocol.</summary>
    Malformed = 5,

    /// <summary>The peer is this very node.</summary>
    IsSelf = 6,
}

/// <summary>A state folder, data folder or file cannot be used. The message names the path and the option.</summary>
public sealed class StorageException : QbSyncException
{
    /// <summary>Makes it.</summary>
    public StorageException(StorageFault fault, string message, Exception? inner = null)
        : base(message, inner) => Fault = fault;

    /// <summary>What happened.</summary>
    public StorageFault Fault { get; }

    /// <inheritdoc />
    public override bool IsTransient => Fault is StorageFault.NoSpace or StorageFault.Io;
}

/// <summary>Why storage could not serve.</summary>
public enum StorageFault
{
    /// <summary>The device is full or the quota is used up.</summary>
    NoSpace = 0,

    /// <summary>The device failed.</summary>
    Io = 1,

    /// <summary>Another process holds the state folder.</summary>
    Locked = 2,

    /// <summary>The state is of a newer version.</summary>
    NewerState = 3,

    /// <summary>The folder is absent or cannot be written.</summary>
    NotUsable = 4,

    /// <summary>Something that is not ours stands where we would write.</summary>
    PathConflict = 5,

    /// <summary>A symbolic link or a name that leaves the root.</summary>
    PathRefused = 6,
}
