namespace QbSync.Torrents;

/// <summary>One entry of a manifest's file list. Immutable.</summary>
public sealed class TorrentFile
{
    internal TorrentFile(int index, IReadOnlyList<string> path, long length, long offset, bool isPad, bool isSymlink, ReadOnlyMemory<byte> piecesRoot)
    {
        Index = index;
        Path = path;
        Length = length;
        Offset = offset;
        IsPad = isPad;
        IsSymlink = isSymlink;
        PiecesRoot = piecesRoot;
    }

    /// <summary>Place in <see cref="TorrentManifest.Files"/>, pad files counted.</summary>
    public int Index { get; }

    /// <summary>
    /// The path in safe parts as a client shows it in the original layout: the torrent's name first when it has a folder, sanitised as libtorrent does.
    /// </summary>
    public IReadOnlyList<string> Path { get; }

    /// <summary>Bytes.</summary>
    public long Length { get; }

    /// <summary>First byte in piece space (files and pads in order; v2-only: each file starts a piece).</summary>
    public long Offset { get; }

    /// <summary>A pad file: zeros that exist only in piece space (BEP 47).</summary>
    public bool IsPad { get; }

    /// <summary>A symbolic link entry (BEP 47): holds no bytes and is never created.</summary>
    public bool IsSymlink { get; }

    /// <summary>Root of the file's merkle tree (BEP 52), 32 bytes; empty for v1 and for empty files.</summary>
    public ReadOnlyMemory<byte> PiecesRoot { get; }

    /// <summary>Whether this entry stands for a file on disk.</summary>
    public bool IsReal => !IsPad && !IsSymlink;
}
