using QbSync.Torrents;

namespace QbSync.Storage.Hardlinks;

/// <summary>A file of a torrent.</summary>
/// <param name="Torrent">The torrent.</param>
/// <param name="Index">Place in the manifest's list.</param>
internal readonly record struct FileRef(InfoHash Torrent, int Index);
