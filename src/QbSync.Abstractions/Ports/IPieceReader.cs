using QbSync.Torrents;

namespace QbSync.Ports;

/// <summary>Where a torrent's content lies on this machine, as far as the client's words tell. The reader looks; what it finds decides.</summary>
/// <param name="Manifest">The manifest.</param>
/// <param name="BaseFolders">Local folders in which names may start, likeliest first.</param>
/// <param name="FileNames">Per file of the manifest, its parts below the base folder as the client shows it; empty for pads.</param>
/// <param name="PartFileNames">Names under which libtorrent may keep bytes of unselected files (<c>.HEX.parts</c>), in a base folder.</param>
public sealed record ContentLocation(
    TorrentManifest Manifest,
    IReadOnlyList<string> BaseFolders,
    IReadOnlyList<IReadOnlyList<string>> FileNames,
    IReadOnlyList<string> PartFileNames);

/// <summary>How a read of piece bytes ended.</summary>
public enum PieceReadStatus
{
    /// <summary>Every byte asked for was read. Not yet a promise that it is right.</summary>
    Read = 0,

    /// <summary>A file, or a slot of the part file, is not there.</summary>
    Missing = 1,

    /// <summary>A file is shorter than that.</summary>
    Short = 2,

    /// <summary>The device failed.</summary>
    Failed = 3,

    /// <summary>The bytes do not hash (yet): the client may not have flushed them.</summary>
    HashMismatch = 4,
}

/// <summary>Reads pieces of content that a client owns. Thread-safe; opens files for reading only and keeps a bounded number of them open.</summary>
public interface IPieceReader
{
    /// <summary>
    /// Reads a whole piece into <paramref name="destination"/> (pads as zeros) and checks it against the manifest. For pieces that fit in memory.
    /// </summary>
    /// <param name="destination">At least as long as the piece.</param>
    PieceReadStatus ReadVerified(ContentLocation location, int piece, Span<byte> destination);

    /// <summary>Reads a whole piece in slices and checks it, keeping nothing. For pieces that do not fit in memory.</summary>
    PieceReadStatus Verify(ContentLocation location, int piece, CancellationToken cancellationToken);

    /// <summary>Reads bytes of a piece, unchecked, for the second pass of a large piece.</summary>
    PieceReadStatus Read(ContentLocation location, int piece, int offset, Span<byte> destination);

    /// <summary>What the file system says of a file of the content, or null when it is not there.</summary>
    FileIdentity? Identify(ContentLocation location, int fileIndex);

    /// <summary>Closes every handle of a torrent.</summary>
    void Forget(InfoHash torrent);
}
