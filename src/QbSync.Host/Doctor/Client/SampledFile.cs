using QbSync.Torrents;

namespace QbSync.Host.Doctor.Client;

/// <summary>The first file with content of a torrent that the client calls complete.</summary>
/// <param name="ClientPath">As the client sees it.</param>
/// <param name="LocalPath">Where this configuration says that it is; null when nothing says so.</param>
internal sealed record SampledFile(TorrentStatus Torrent, string ClientPath, string? LocalPath, long Size)
{
    /// <summary>Whether a file of that size is there.</summary>
    public bool IsFound => LocalPath is not null && IsAt(LocalPath);

    /// <summary>Whether a file of its size is at a path.</summary>
    public bool IsAt(string path) => new FileInfo(path) is { Exists: true } file && file.Length == Size;
}
