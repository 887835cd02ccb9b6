using QbSync.Torrents;

namespace QbSync.Engine.Destination;

/// <summary>An unfinished torrent that no source asks for any more.</summary>
/// <param name="Id">The torrent.</param>
/// <param name="Name">Its name, for people.</param>
/// <param name="Age">Running time of this destination without contact.</param>
/// <param name="Bytes">Bytes of its own unfinished files.</param>
/// <param name="Paths">Every file that goes with it.</param>
public sealed record OrphanTorrent(InfoHash Id, string Name, TimeSpan Age, long Bytes, IReadOnlyList<string> Paths);
