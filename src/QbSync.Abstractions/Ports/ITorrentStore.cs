using QbSync.Outcomes;
using QbSync.Pieces;
using QbSync.Torrents;

namespace QbSync.Ports;

/// <summary>
/// A destination's durable torrents: bytes in partial and final files below its root, and the state that says what they are. Thread-safe.
/// Disk trouble is a <see cref="StorageException"/>.
/// </summary>
public interface ITorrentStore : IAsyncDisposable
{
    /// <summary>Changes after an unclean stop or with new state; the same after a clean one.</summary>
    ulong Incarnation { get; }

    /// <summary>
    /// Takes the state folder (one process at a time), finishes what a crash left half done, and returns every torrent that has state.
    /// A torrent whose state cannot be read is set aside and logged, never trusted. Call once, first.
    /// </summary>
    ValueTask<IReadOnlyList<ITorrentStorage>> RecoverAsync(CancellationToken cancellationToken);

    /// <summary>
    /// Makes state for a torrent that has none: reserves final paths and space, writes the durable record, and lists by name and size what is on disk
    /// already. No content is read; <see cref="ITorrentStorage.SettleAsync"/> does that.
    /// </summary>
    ValueTask<StoreOpenOutcome> OpenAsync(StoreRequest request, CancellationToken cancellationToken);

    /// <summary>
    /// Gives a torrent another selection, place or names, and a new epoch. No byte that was received for a file still wanted is lost, and final files
    /// stay. Refused, nothing has changed and <paramref name="current"/> goes on; else it is closed and the answer takes its place.
    /// </summary>
    ValueTask<StoreOpenOutcome> ReshapeAsync(ITorrentStorage current, StoreRequest next, CancellationToken cancellationToken);

    /// <summary>
    /// Removes, or only lists, what no session owns: hidden partial files of ours seen unowned for <paramref name="age"/> of this process's time, empty
    /// session folders, temporary files of interrupted writes.
    /// </summary>
    /// <returns>Full paths, for people.</returns>
    ValueTask<IReadOnlyList<string>> SweepLeftoversAsync(TimeSpan age, bool remove, CancellationToken cancellationToken);

    /// <summary>Why nothing can be written now, or null: a root that is gone or fails. Looked at anew by each call, cheaply.</summary>
    Refusal? GetTrouble();

    /// <summary>Bytes that can be written below the root now, or null when that is not known.</summary>
    long? GetFreeBytes();
}

/// <summary>A torrent to store.</summary>
public sealed record StoreRequest
{
    /// <summary>The source that it is received from.</summary>
    public required Guid Source { get; init; }

    /// <summary>Who that source is, as <see cref="Caller.Peer"/>: what its torrents may take is counted over all of them.</summary>
    public string Peer { get; init; } = "local";

    /// <summary>The parsed <c>.torrent</c>.</summary>
    public required TorrentManifest Manifest { get; init; }

    /// <summary>The <c>.torrent</c> itself, kept unchanged.</summary>
    public required ReadOnlyMemory<byte> Torrent { get; init; }

    /// <summary>The selected files.</summary>
    public required Selection Selection { get; init; }

    /// <summary>Where it goes.</summary>
    public required Place Place { get; init; }

    /// <summary>What the client is to be told.</summary>
    public required TorrentParameters Parameters { get; init; }

    /// <summary>Per file of the manifest, its final parts below the place; empty for pads. Every one passed the rules of safe names.</summary>
    public required IReadOnlyList<IReadOnlyList<string>> FileNames { get; init; }

    /// <summary>Per file of the manifest, what the source's file system says of it; null where it is not known. Empty when nothing is.</summary>
    public IReadOnlyList<FileIdentity?> Identities { get; init; } = [];

    /// <summary>SHA-256 of the source's file table; empty for none.</summary>
    public ReadOnlyMemory<byte> FilesDigest { get; init; }
}

/// <summary>How opening ended.</summary>
/// <param name="Storage">The torrent, unless refused.</param>
/// <param name="Refusal">Why not; then nothing was created.</param>
public sealed record StoreOpenOutcome(ITorrentStorage? Storage, Refusal? Refusal);

/// <summary>How far a stored torrent has come. Each survives a restart.</summary>
public enum StoredPhase
{
    /// <summary>Pieces are accepted.</summary>
    Receiving = 0,

    /// <summary>Every selected file has its final name.</summary>
    Published = 1,

    /// <summary>The client is about to be asked to add it.</summary>
    AddIntent = 2,

    /// <summary>The client was seen to have it.</summary>
    Added = 3,

    /// <summary>The completion record is written.</summary>
    Complete = 4,

    /// <summary>A permanent reason; data kept.</summary>
    Failed = 5,

    /// <summary>Complete; the client is about to be asked to start it.</summary>
    StartIntent = 6,

    /// <summary>Complete; started by us and seen active.</summary>
    HandedOff = 7,

    /// <summary>Complete, handed off, and confirmed by the source: a user's stop from now on is left alone.</summary>
    Closed = 8,

    /// <summary>Everything has arrived and it is to be made final; who asked for it need not ask again.</summary>
    Finalizing = 9,
}

/// <summary>Sorts phases.</summary>
public static class StoredPhases
{
    /// <summary>Whether the completion record stands.</summary>
    public static bool IsComplete(this StoredPhase phase) =>
        phase is StoredPhase.Complete or StoredPhase.StartIntent or StoredPhase.HandedOff or StoredPhase.Closed;

    /// <summary>Whether the client may have the torrent by our doing.</summary>
    public static bool IsAtClient(this StoredPhase phase) => phase is StoredPhase.AddIntent or StoredPhase.Added || phase.IsComplete();
}

/// <summary>How far local content was decided.</summary>
/// <param name="Found">Pieces that became held.</param>
/// <param name="Dropped">Deferred pieces that local content does not bring after all: the source has to send them.</param>
/// <param name="IsWaiting">Whether files still wait, for another torrent's writer or for a person.</param>
/// <param name="Conflict">A file that is not ours and not the torrent's is in the way; looked at again by the next call.</param>
public sealed record SettleOutcome(int Found, int Dropped, bool IsWaiting, Refusal? Conflict);

/// <summary>What a client said, to be sealed into a proof.</summary>
/// <param name="Node">Name of the destination, for people.</param>
/// <param name="ClientProduct">The client and its version.</param>
/// <param name="ClientId">The client's handle of the torrent.</param>
/// <param name="Client">What it said last.</param>
public sealed record SealRequest(string Node, string ClientProduct, string ClientId, ClientView Client);

/// <summary>A stored proof.</summary>
/// <param name="Id">SHA-256 of the proof file's content.</param>
/// <param name="ManifestDigest">SHA-256 of the raw info dictionary.</param>
/// <param name="BytesReadBack">Bytes that were read back from disk and hashed.</param>
public sealed record StoredProof(ReadOnlyMemory<byte> Id, ReadOnlyMemory<byte> ManifestDigest, long BytesReadBack);

/// <summary>
/// One stored torrent. Pieces may be written from many threads; the other calls come one at a time from its session. Bits become durable only after
/// their bytes are. Disk trouble is a <see cref="StorageException"/>.
/// </summary>
public interface ITorrentStorage : IAsyncDisposable
{
    /// <summary>As it was opened, with later changes of parameters.</summary>
    StoreRequest Request { get; }

    /// <summary>Geometry under the selection.</summary>
    PieceLayout Layout { get; }

    /// <summary>Durable phase.</summary>
    StoredPhase Phase { get; }

    /// <summary>Raised after an unclean start and when bits are dropped wholesale.</summary>
    ulong Epoch { get; }

    /// <summary>How often held bits were lost in this epoch.</summary>
    ulong Losses { get; }

    /// <summary>Why it is <see cref="StoredPhase.Failed"/>.</summary>
    Refusal? Failure { get; }

    /// <summary>Raised outside all locks when the last piece of a selected file is held. The argument is the file's index.</summary>
    event Action<int>? FileWhole;

    /// <summary>A copy of the have-bitmap.</summary>
    PieceBitmap CopyHave();

    /// <summary>Selected pieces held, without a copy.</summary>
    int HeldPieces { get; }

    /// <summary>A copy of the pieces that local content is expected to bring: selected, not held, not to be sent now.</summary>
    PieceBitmap CopyDeferred();

    /// <summary>Deferred pieces, without a copy.</summary>
    int DeferredPieces { get; }

    /// <summary>
    /// Whether local content of any file is not decided, so that <see cref="SettleAsync"/> has to say what becomes of it. No piece may be deferred for it: pieces
    /// that lie in other files too are sent.
    /// </summary>
    bool IsUnsettled { get; }

    /// <summary>Raised outside all locks when <see cref="SettleAsync"/> has something to do: at first, and when a writer's file came or failed.</summary>
    event Action? SettleDue;

    /// <summary>
    /// Decides local content: reads candidates and hashes them piece by piece, links files that another torrent holds, gives up waiting where that
    /// cannot end. Repeating it is harmless; a call with nothing to do is cheap.
    /// </summary>
    ValueTask<SettleOutcome> SettleAsync(IProgress<long>? bytesRead, CancellationToken cancellationToken);

    /// <summary>Records what the source's file system says of files now that they are whole there, and the digest of that table, durably.</summary>
    ValueTask SetIdentitiesAsync(IReadOnlyList<FileIdentity?> identities, ReadOnlyMemory<byte> filesDigest, CancellationToken cancellationToken);

    /// <summary>Whether the client's entry was added by us. Survives a restart.</summary>
    bool AddedByUs { get; }

    /// <summary>Records whose the client's entry is, durably.</summary>
    ValueTask SetAddedByUsAsync(bool value, CancellationToken cancellationToken);

    /// <summary>Running time of this destination without contact to the source, as recorded last. Wall clocks do not count.</summary>
    TimeSpan Uncontacted { get; }

    /// <summary>Records the time without contact, durably.</summary>
    ValueTask SetUncontactedAsync(TimeSpan value, CancellationToken cancellationToken);

    /// <summary>Begins an attempt to receive a piece, as <see cref="IPieceIntake.Begin"/>, for this torrent.</summary>
    PieceAckStatus Begin(int piece, out IPieceTransfer? transfer);

    /// <summary>Makes what was written durable: bytes, then folder entries, then bits. Returns pieces lost by a failed flush (their bits are clear).</summary>
    ValueTask<int> FlushAsync(CancellationToken cancellationToken);

    /// <summary>
    /// Reads back, from disk, the pieces of a file that were not read back before and hashes them. Bad pieces lose their bits, durably.
    /// </summary>
    /// <returns>Number of bad pieces: 0 when the file is right.</returns>
    ValueTask<int> VerifyFileAsync(int fileIndex, IProgress<long>? bytesRead, CancellationToken cancellationToken);

    /// <summary>
    /// Gives verified files their final names, durably, never replacing anything: one commit, the renames, each folder once, one commit. Empty files are
    /// made here. Repeating it is harmless; files that can be published are, whatever becomes of the others.
    /// </summary>
    /// <returns>Null when done; a refusal with <see cref="RefusalReason.PathConflict"/> when something that is not ours stands at one of them.</returns>
    ValueTask<Refusal?> PublishFilesAsync(IReadOnlyList<int> fileIndices, CancellationToken cancellationToken);

    /// <summary>Whether a selected file has its final name.</summary>
    bool IsPublished(int fileIndex);

    /// <summary>
    /// Puts bytes of unselected files that boundary pieces brought along where the client looks for them: <c>.HEX.parts</c> in the save folder.
    /// Nothing to do without boundary pieces.
    /// </summary>
    /// <param name="partFileName">Name by the client's rule.</param>
    /// <param name="cancellationToken">Ends the call.</param>
    ValueTask<Refusal?> ExportPartFileAsync(string partFileName, CancellationToken cancellationToken);

    /// <summary>Looks at every selected final file: names of those that are gone or have another size or content identity than when published.</summary>
    ValueTask<IReadOnlyList<int>> CheckPublishedAsync(CancellationToken cancellationToken);

    /// <summary>
    /// Reads these files anew, whatever was known of them: good pieces stay, bad ones are needed again, durably; a file of ours with a bad piece is taken
    /// back to its hidden name first, one that is gone loses its pieces. Only touched, it is as good as before. Raises the epoch when pieces were lost.
    /// </summary>
    /// <returns>Pieces needed again.</returns>
    ValueTask<int> ReexamineFilesAsync(IReadOnlyCollection<int> fileIndices, IProgress<long>? bytesRead, CancellationToken cancellationToken);

    /// <summary>
    /// Looks at every final file, writes the proof, then the completion record. Nothing is sealed when a file changed: then null, and
    /// <see cref="CheckPublishedAsync"/> says which.
    /// </summary>
    ValueTask<StoredProof?> SealAsync(SealRequest request, CancellationToken cancellationToken);

    /// <summary>The proof of a complete torrent, or null when there is none that can be read.</summary>
    ValueTask<StoredProof?> ReadProofAsync(CancellationToken cancellationToken);

    /// <summary>What a check of the files found bad, so that the proof is void until a later one is good; null for nothing.</summary>
    ValueTask<string?> FindBadCheckAsync(CancellationToken cancellationToken) => default;

    /// <summary>Records a phase, durably. The only call of the session that may come while another of its calls runs.</summary>
    ValueTask SetPhaseAsync(StoredPhase phase, Refusal? failure, CancellationToken cancellationToken);

    /// <summary>Records newer parameters, durably.</summary>
    ValueTask SetParametersAsync(TorrentParameters parameters, CancellationToken cancellationToken);

    /// <summary>Own unfinished files: full paths for people, and their lengths.</summary>
    IReadOnlyList<(string Path, long Bytes)> ListUnfinished();

    /// <summary>
    /// Removes own partial files, own empty folders and the state. Final files, and everything that is not ours, stay. Joins writers first.
    /// </summary>
    /// <param name="keepFiles">Leave the partial files, for a later opening to find; only the state goes.</param>
    /// <param name="cancellationToken">Ends the call.</param>
    ValueTask<(int Files, long Bytes)> DiscardAsync(bool keepFiles, CancellationToken cancellationToken);
}
