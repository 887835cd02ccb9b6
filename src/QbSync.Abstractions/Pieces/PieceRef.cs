using QbSync.Torrents;

namespace QbSync.Pieces;

/// <summary>One piece of one torrent.</summary>
/// <param name="Torrent">The torrent's id (<see cref="TorrentManifest.Id"/>).</param>
/// <param name="Index">0 to the piece count less one; not checked here.</param>
public readonly record struct PieceRef(InfoHash Torrent, int Index)
{
    /// <summary><c>id/index</c>.</summary>
    public override string ToString() => $"{Torrent}/{Index}";
}
