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
    /// Makes state for a torrent that has none. Reserves its final paths, then writes the durable record, then looks at what is on disk already:
    /// own partial files and files of exact size under final names count for the pieces that hash, and for no other.
    /// </summary>
    ValueTask<StoreOpenOutcome> OpenAsync(StoreRequest request, CancellationToken cancellationToken);

    /// <summary>Bytes that can be written below the root now, or null when that is not known.</summary>
    long? GetFreeBytes();
}

/// <summary>A torrent to store.</summary>
public sealed record StoreRequest
{
    /// <summary>The source that it is received from.</summary>
    public required Guid Source { get; init; }

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
}

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
    /// Gives a verified file its final name, durably, never replacing anything. Empty files are made here. Repeating it is harmless.
    /// </summary>
    /// <returns>Null when done; a refusal with <see cref="RefusalReason.PathConflict"/> when something that is not ours stands there.</returns>
    ValueTask<Refusal?> PublishFileAsync(int fileIndex, CancellationToken cancellationToken);

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

    /// <summary>Drops what is known of these files and their pieces, durably; they are needed again.</summary>
    ValueTask ForgetFilesAsync(IReadOnlyCollection<int> fileIndices, CancellationToken cancellationToken);

    /// <summary>Records a phase, durably.</summary>
    ValueTask SetPhaseAsync(StoredPhase phase, Refusal? failure, CancellationToken cancellationToken);

    /// <summary>Records newer parameters, durably.</summary>
    ValueTask SetParametersAsync(TorrentParameters parameters, CancellationToken cancellationToken);

    /// <summary>
    /// Removes own partial files, own empty folders and the state. Final files, and everything that is not ours, stay. Joins writers first.
    /// </summary>
    ValueTask<(int Files, long Bytes)> DiscardAsync(CancellationToken cancellationToken);
}
