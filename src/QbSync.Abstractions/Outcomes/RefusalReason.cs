namespace QbSync.Outcomes;

/// <summary>Why a destination refused. The numbers are the wire's and never change; a number that this build does not know is treated as <see cref="RefusalKind.Wait"/>.</summary>
public enum RefusalReason
{
    /// <summary>A reason of a newer peer.</summary>
    Unknown = 0,

    /// <summary>The destination is still reading its state.</summary>
    Recovering = 1,

    /// <summary>The destination is shutting down.</summary>
    Stopping = 2,

    /// <summary>An operation on the torrent is running, or a limit is reached.</summary>
    Busy = 3,

    /// <summary>A newer holder of the source's lease has been seen.</summary>
    Superseded = 4,

    /// <summary>The destination runs dry and changes nothing.</summary>
    DryRun = 5,

    /// <summary>The destination's disk fails or makes no progress.</summary>
    StorageError = 6,

    /// <summary>The destination's data folder is not the one it knows: a mount is gone.</summary>
    RootMissing = 7,

    /// <summary>The destination has no torrent client.</summary>
    NoClient = 8,

    /// <summary>The destination's torrent client does not answer.</summary>
    ClientUnreachable = 9,

    /// <summary>The destination's torrent client is checking, moving or allocating it.</summary>
    ClientChecking = 10,

    /// <summary>The destination's disk is full.</summary>
    NoSpace = 11,

    /// <summary>The source's quota at the destination is used up.</summary>
    Quota = 12,

    /// <summary>Another source is sending this torrent.</summary>
    OtherSource = 20,

    /// <summary>Something that is not ours stands where a file would go.</summary>
    PathConflict = 21,

    /// <summary>A symbolic link or a non-folder is on the way to a file.</summary>
    PathRefused = 22,

    /// <summary>The destination's client already has the torrent, not added by us and not whole.</summary>
    ClientIncomplete = 23,

    /// <summary>The destination's client already has the torrent outside the roots.</summary>
    ClientElsewhere = 24,

    /// <summary>The peer's grant does not cover it.</summary>
    NotGranted = 25,

    /// <summary>No common protocol version, or an unknown verb.</summary>
    ProtocolMismatch = 26,

    /// <summary>The peer is this very node.</summary>
    PeerIsSelf = 27,

    /// <summary>The <c>.torrent</c> has to be sent.</summary>
    TorrentFileNeeded = 40,

    /// <summary>The file table has to be sent.</summary>
    FilesNeeded = 41,

    /// <summary>Pieces are missing.</summary>
    Incomplete = 42,

    /// <summary>The selection is not the one the torrent was opened with.</summary>
    SelectionChanged = 43,

    /// <summary>The client was looked at and is not on the seeding side.</summary>
    NotSeeding = 44,

    /// <summary>The client was lost in the middle; its state is not known.</summary>
    Uncertain = 45,

    /// <summary>The torrent is being finalized.</summary>
    Finalizing = 46,

    /// <summary>The torrent is complete.</summary>
    Complete = 47,

    /// <summary>The torrent was handed over.</summary>
    HandedOff = 48,

    /// <summary>The destination does not start what was removed at the source.</summary>
    StartOff = 49,

    /// <summary>The <c>.torrent</c> is malformed or holds an unusable name.</summary>
    InvalidTorrent = 60,

    /// <summary>The <c>.torrent</c> has another info hash.</summary>
    InfoHashMismatch = 61,

    /// <summary>The destination or its client cannot hold such a torrent.</summary>
    Unsupported = 62,

    /// <summary>The peer broke the protocol.</summary>
    Malformed = 63,

    /// <summary>v1 and v2 hashes of the torrent disagree.</summary>
    TorrentInconsistent = 64,

    /// <summary>One piece failed its read-back three times.</summary>
    VerificationRepeats = 65,

    /// <summary>The destination's client does not find the files.</summary>
    ClientMissingFiles = 66,

    /// <summary>The destination's client does not take the torrent.</summary>
    ClientRefused = 67,
}

/// <summary>What a refusal asks of the source.</summary>
public enum RefusalKind
{
    /// <summary>Ask again later; nobody has to do anything.</summary>
    Wait = 0,

    /// <summary>A person has to settle it; ask again now and then.</summary>
    Conflict = 1,

    /// <summary>The reason says what to send or do next.</summary>
    Step = 2,

    /// <summary>The same request will fail again.</summary>
    Permanent = 3,
}

/// <summary>The kind of each reason.</summary>
public static class RefusalReasons
{
    /// <summary>What a reason asks of the source. By number: below 20 wait, below 40 conflict, below 60 step, below 80 permanent.</summary>
    public static RefusalKind GetKind(this RefusalReason reason) => (int)reason switch
    {
        >= 20 and < 40 => RefusalKind.Conflict,
        >= 40 and < 60 => RefusalKind.Step,
        >= 60 and < 80 => RefusalKind.Permanent,
        _ => RefusalKind.Wait,
    };
}

/// <summary>A refusal with what goes along.</summary>
/// <param name="Reason">Why; the only part that decides anything.</param>
/// <param name="Detail">For people, at most 512 characters, never parsed.</param>
/// <param name="RetryAfter">When to ask again, if the destination knows.</param>
/// <param name="NeededBytes">For want of space: bytes needed.</param>
/// <param name="FreeBytes">For want of space: bytes free.</param>
public sealed record Refusal(RefusalReason Reason, string Detail = "", TimeSpan? RetryAfter = null, long? NeededBytes = null, long? FreeBytes = null)
{
    /// <summary>For <see cref="RefusalReason.OtherSource"/>: who has it, for people.</summary>
    public string Owner { get; init; } = "";

    /// <summary>For <see cref="RefusalReason.PathConflict"/> and <see cref="RefusalReason.PathRefused"/>: where, for people.</summary>
    public string Path { get; init; } = "";
}
