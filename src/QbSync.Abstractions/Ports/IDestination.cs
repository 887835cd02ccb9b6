using QbSync.Outcomes;
using QbSync.Pieces;
using QbSync.Torrents;

namespace QbSync.Ports;

/// <summary>
/// A destination as a source sees it: the engine itself, or the same thing over a network. Every verb may be called twice, late or over another connection
/// with the same effect as once; it answers within about a second, longer work with <c>Running</c>. Thread-safe. An unreachable peer is a
/// <see cref="PeerException"/>.
/// </summary>
public interface IDestination
{
    /// <summary>Says hello: reachable, of one protocol, and of which incarnation.</summary>
    ValueTask<DestinationGreeting> HelloAsync(Caller caller, CancellationToken cancellationToken);

    /// <summary>Statuses from memory, in the order of the ids, at most 256. No effect.</summary>
    ValueTask<IReadOnlyList<DestinationTorrentStatus>> GetStatusAsync(Caller caller, StatusRequest request, CancellationToken cancellationToken);

    /// <summary>Changes of the caller's sessions as they happen, until cancelled or the peer is lost.</summary>
    IAsyncEnumerable<DestinationUpdate> WatchAsync(Caller caller, CancellationToken cancellationToken);

    /// <summary>Opens a torrent to receive pieces.</summary>
    ValueTask<InitOutcome> InitAsync(Caller caller, InitRequest request, CancellationToken cancellationToken);

    /// <summary>Makes a torrent final, or attaches to that.</summary>
    ValueTask<FinalizeOutcome> FinalizeAsync(Caller caller, FinalizeRequest request, CancellationToken cancellationToken);

    /// <summary>Looks at the final files and at the client, now, and says what was seen.</summary>
    ValueTask<ProveOutcome> ProveAsync(Caller caller, ProveRequest request, CancellationToken cancellationToken);

    /// <summary>Starts seeding. The answer is what was seen, never what was asked of the client.</summary>
    ValueTask<StartOutcome> StartAsync(Caller caller, StartRequest request, CancellationToken cancellationToken);

    /// <summary>Stops what <see cref="StartAsync"/> started. A torrent that the destination did not add is left as it is.</summary>
    ValueTask<WithdrawOutcome> WithdrawAsync(Caller caller, WithdrawRequest request, CancellationToken cancellationToken);

    /// <summary>The source's data is gone: tags the torrent and closes its handoff. Starts and stops nothing.</summary>
    ValueTask<ConfirmOutcome> ConfirmHandoffAsync(Caller caller, ConfirmHandoffRequest request, CancellationToken cancellationToken);

    /// <summary>Gives a torrent up: its own unfinished files are removed, never a final one.</summary>
    ValueTask<AbortOutcome> AbortAsync(Caller caller, AbortRequest request, CancellationToken cancellationToken);

    /// <summary>Opens a way to send pieces. It connects and reconnects by itself; disposing it closes it.</summary>
    IPieceLink OpenLink(Caller caller, IPieceLinkSink sink);
}

/// <summary>What a destination says of itself.</summary>
/// <param name="Incarnation">New after an unclean stop or with new state; bitmaps hold for (incarnation, epoch).</param>
/// <param name="Software">For people.</param>
/// <param name="AnswerWithin">A piece received whole is answered within this.</param>
public sealed record DestinationGreeting(ulong Incarnation, string Software, TimeSpan AnswerWithin)
{
    /// <summary>What its clock showed when it answered; null where it does not tell.</summary>
    public DateTimeOffset? Clock { get; init; }
}

/// <summary>Asks for statuses.</summary>
/// <param name="Torrents">At most 256 ids.</param>
/// <param name="WithBitmaps">Whether to fill <see cref="DestinationTorrentStatus.Have"/>, <c>Deferred</c> and, of one that is not complete, <c>Selection</c>.</param>
public sealed record StatusRequest(IReadOnlyList<InfoHash> Torrents, bool WithBitmaps);

/// <summary>States of a torrent at a destination. The numbers are the wire's; an unknown one asks for no action.</summary>
public enum DestinationTorrentState
{
    /// <summary>A state of a newer peer.</summary>
    Unknown = 0,

    /// <summary>No record.</summary>
    Absent = 1,

    /// <summary>Being validated and reserved.</summary>
    Opening = 2,

    /// <summary>Pieces are accepted.</summary>
    Receiving = 3,

    /// <summary>Being made final.</summary>
    Finalizing = 4,

    /// <summary>Durable, in the client on the seeding side.</summary>
    Complete = 5,

    /// <summary>Started there by us and seen active.</summary>
    HandedOff = 6,

    /// <summary>Own unfinished files are being removed.</summary>
    Aborting = 7,

    /// <summary>A permanent reason; data kept.</summary>
    Failed = 8,
}

/// <summary>Status of one torrent at a destination.</summary>
public sealed record DestinationTorrentStatus
{
    /// <summary>The torrent.</summary>
    public required InfoHash Id { get; init; }

    /// <summary>Its state.</summary>
    public required DestinationTorrentState State { get; init; }

    /// <summary>Its epoch; 0 when absent.</summary>
    public ulong Epoch { get; init; }

    /// <summary>How often held bits were lost in this epoch.</summary>
    public ulong Losses { get; init; }

    /// <summary>Needed pieces held.</summary>
    public int HeldPieces { get; init; }

    /// <summary>Pieces that the selection needs.</summary>
    public int NeededPieces { get; init; }

    /// <summary>Where it stands while it opens or finalizes.</summary>
    public OperationProgress? Progress { get; init; }

    /// <summary>Why it failed or waits.</summary>
    public Refusal? Refusal { get; init; }

    /// <summary>Pieces held, when asked for.</summary>
    public PieceBitmap? Have { get; init; }

    /// <summary>Pieces that will come from local content, when asked for.</summary>
    public PieceBitmap? Deferred { get; init; }

    /// <summary>The selection, packed, when asked for; of a complete torrent always: what is vouched for has to be known.</summary>
    public ReadOnlyMemory<byte> Selection { get; init; }

    /// <summary>The client's view, where there is one.</summary>
    public ClientView? Client { get; init; }
}

/// <summary>A message of <see cref="IDestination.WatchAsync"/>.</summary>
public abstract record DestinationUpdate
{
    private DestinationUpdate()
    {
    }

    /// <summary>A torrent's status changed.</summary>
    public sealed record Changed(DestinationTorrentStatus Status) : DestinationUpdate;

    /// <summary>Held bits were lost, or deferred ones decided: the new truth.</summary>
    public sealed record HaveChanged(InfoHash Id, ulong Epoch, ulong Losses, PieceBitmap Have, PieceBitmap Deferred) : DestinationUpdate;

    /// <summary>The destination is shutting down.</summary>
    public sealed record Stopping : DestinationUpdate;

    /// <summary>Room again on a disk that was full.</summary>
    public sealed record Room : DestinationUpdate;

    /// <summary>Nothing but a sign of life.</summary>
    public sealed record Beat : DestinationUpdate;
}

/// <summary>Where a torrent goes below a destination's data folder.</summary>
/// <param name="Root">Name of a configured root; empty for the only one.</param>
/// <param name="SubPath">Folders below it, in parts; empty for the root itself.</param>
/// <param name="Layout">How its files lie there.</param>
public sealed record Place(string Root, IReadOnlyList<string> SubPath, ContentLayout Layout);

/// <summary>What the destination's client is told of a torrent.</summary>
public sealed record TorrentParameters
{
    /// <summary>Category, empty for none.</summary>
    public string Category { get; init; } = "";

    /// <summary>User's tags; none of ours.</summary>
    public IReadOnlyList<string> Tags { get; init; } = [];

    /// <summary>When it was added at the source.</summary>
    public DateTimeOffset? AddedAt { get; init; }

    /// <summary>When it was complete at the source.</summary>
    public DateTimeOffset? CompletedAt { get; init; }

    /// <summary>What is left of the torrent's own share limits; nothing is set where they are global, and none is ever taken away.</summary>
    public ShareLimits Limits { get; init; } = ShareLimits.Global;
}

/// <summary>A file as the source has it.</summary>
/// <param name="FileIndex">Place in the manifest's list.</param>
/// <param name="Identity">What the source's file system says; null when the file is not there.</param>
/// <param name="Name">Parts below the place, where the source's client shows another name than the manifest; else empty.</param>
public sealed record SourceFile(int FileIndex, FileIdentity? Identity, IReadOnlyList<string> Name);

/// <summary>Opens a torrent. Carries all that finalizing needs, so that a torrent whose source is gone can still be finalized.</summary>
public sealed record InitRequest
{
    /// <summary>The torrent.</summary>
    public required InfoHash Id { get; init; }

    /// <summary>Selected files, packed as <see cref="Selection.ToBytes"/>.</summary>
    public required ReadOnlyMemory<byte> Selection { get; init; }

    /// <summary>Where it goes.</summary>
    public required Place Place { get; init; }

    /// <summary>What the client is told.</summary>
    public required TorrentParameters Parameters { get; init; }

    /// <summary>The <c>.torrent</c>; empty until answered <see cref="RefusalReason.TorrentFileNeeded"/>.</summary>
    public ReadOnlyMemory<byte> Torrent { get; init; }

    /// <summary>The file table; null until answered <see cref="RefusalReason.FilesNeeded"/>.</summary>
    public IReadOnlyList<SourceFile>? Files { get; init; }

    /// <summary>SHA-256 of the file table; empty when there is nothing to tell.</summary>
    public ReadOnlyMemory<byte> FilesDigest { get; init; }

    /// <summary>Whether the source is still downloading it.</summary>
    public bool IsDownloading { get; init; }
}

/// <summary>Makes a torrent final.</summary>
public sealed record FinalizeRequest
{
    /// <summary>The torrent.</summary>
    public required InfoHash Id { get; init; }

    /// <summary><see cref="Selection.Fingerprint"/> of what was streamed.</summary>
    public required ReadOnlyMemory<byte> SelectionFingerprint { get; init; }

    /// <summary>Newer values than those of Init.</summary>
    public required TorrentParameters Parameters { get; init; }

    /// <summary>The files as they are now that the source has all of them; null when nothing changed since Init.</summary>
    public IReadOnlyList<SourceFile>? Files { get; init; }
}

/// <summary>Asks for a proof.</summary>
/// <param name="Id">The torrent.</param>
/// <param name="Nonce">New for each call, echoed: an answer is never older than its question.</param>
/// <param name="SelectionFingerprint"><see cref="Selection.Fingerprint"/> of what is to be proven.</param>
public sealed record ProveRequest(InfoHash Id, ReadOnlyMemory<byte> Nonce, ReadOnlyMemory<byte> SelectionFingerprint);

/// <summary>Why seeding is started at the destination.</summary>
public enum StartCause
{
    /// <summary>The source hands the torrent over.</summary>
    Handoff = 0,

    /// <summary>The user removed it at the source.</summary>
    RemovedAtSource = 1,
}

/// <summary>Starts seeding.</summary>
/// <param name="Id">The torrent.</param>
/// <param name="Cause">Why.</param>
/// <param name="Parameters">Newer values than those of Finalize.</param>
public sealed record StartRequest(InfoHash Id, StartCause Cause, TorrentParameters Parameters);

/// <summary>Takes a Start back.</summary>
/// <param name="Id">The torrent.</param>
public sealed record WithdrawRequest(InfoHash Id);

/// <summary>Says that the source's data is gone.</summary>
/// <param name="Id">The torrent.</param>
/// <param name="Tag">Tag to set; empty for none.</param>
/// <param name="ProofId">The proof that the delete rested on.</param>
public sealed record ConfirmHandoffRequest(InfoHash Id, string Tag, ReadOnlyMemory<byte> ProofId);

/// <summary>Why a torrent is given up.</summary>
public enum AbortCause
{
    /// <summary>The user removed it at the source. If all of it has arrived it is finalized instead.</summary>
    RemovedAtSource = 0,

    /// <summary>A filter or tag forbids it now.</summary>
    Excluded = 1,

    /// <summary>A person asked for it.</summary>
    Operator = 2,
}

/// <summary>What becomes of unfinished files.</summary>
public enum AbortMode
{
    /// <summary>Own unfinished files are removed.</summary>
    Discard = 0,

    /// <summary>Work stops, nothing is removed; a later Init finds what is there.</summary>
    Keep = 1,
}

/// <summary>Gives a torrent up.</summary>
/// <param name="Id">The torrent.</param>
/// <param name="Cause">Why.</param>
/// <param name="Mode">What becomes of unfinished files.</param>
public sealed record AbortRequest(InfoHash Id, AbortCause Cause, AbortMode Mode = AbortMode.Discard);
