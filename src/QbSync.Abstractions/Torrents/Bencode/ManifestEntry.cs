namespace QbSync.Torrents.Bencode;

/// <summary>A file as one of the two lists of a <c>.torrent</c> has it, before offsets.</summary>
/// <param name="Path">Sanitised parts; below the torrent's name if there is a folder.</param>
/// <param name="Root">Where its <c>pieces root</c> lies in the torrent; empty if it has none.</param>
internal readonly record struct ManifestEntry(string[] Path, long Length, bool IsPad, bool IsSymlink, Range Root)
{
    public bool Describes(in ManifestEntry other) =>
        Length == other.Length && IsSymlink == other.IsSymlink && Path.AsSpan().SequenceEqual(other.Path);
}
