using Microsoft.Extensions.Logging;
using QbSync.Torrents;

namespace QbSync.Storage.FolderClient;

/// <summary>
/// Finds what people put into the torrents folder. A file is read when it is new or changed; one that cannot be read is warned of once, and not before
/// it stood unchanged for a whole scan, since it may still be being copied. Not thread-safe.
/// </summary>
internal sealed partial class FolderScanner(string folder, ILogger logger)
{
    private readonly Dictionary<string, Seen> _seen = [];

    /// <summary>The torrents that appeared and the ids of those that went, since the scan before.</summary>
    /// <exception cref="IOException">The folder cannot be read.</exception>
    public (IReadOnlyList<(TorrentManifest Manifest, string Path)> Found, IReadOnlyList<InfoHash> Gone) Scan()
    {
        var found = new List<(TorrentManifest, string)>();
        var gone = new List<InfoHash>();
        var files = new DirectoryInfo(folder).EnumerateFiles("*" + FolderRecordStore.TorrentSuffix)
            .Where(static file => !file.Name.StartsWith('.'))
            .OrderBy(static file => file.Name, StringComparer.Ordinal)
            .ToList();

        // Those that went come first, so that a file under a new name is no second copy.
        var present = files.Select(static file => file.FullName).ToHashSet();
        foreach (var (path, seen) in _seen.Where(pair => !present.Contains(pair.Key)).ToList())
        {
            _seen.Remove(path);
            Lose(seen, gone);
        }

        foreach (var file in files)
        {
            Look(file, found, gone);
        }

        return (found, gone);
    }

    private void Look(FileInfo file, List<(TorrentManifest Manifest, string Path)> found, List<InfoHash> gone)
    {
        var stamp = new Stamp(file.Length, file.LastWriteTimeUtc);
        var before = _seen.GetValueOrDefault(file.FullName);
        if (before is not null && before.Stamp == stamp && (before.IsWarned || before.Id != InfoHash.None))
        {
            return;
        }

        try
        {
            var manifest = TorrentManifest.Parse(ReadWhole(file));
            if (before?.Id == manifest.Id)
            {
                _seen[file.FullName] = before with { Stamp = stamp };
                return;
            }

            Lose(before, gone);
            var other = _seen.FirstOrDefault(pair => pair.Value.Id == manifest.Id && pair.Key != file.FullName).Key;
            if (other is not null)
            {
                Log.TorrentIsDuplicate(logger, file.FullName, other);
                _seen[file.FullName] = new Seen(stamp, InfoHash.None, IsWarned: true, manifest.Id);
                return;
            }

            _seen[file.FullName] = new Seen(stamp, manifest.Id, IsWarned: false);
            found.Add((manifest, file.FullName));
        }
        catch (Exception error) when (error is TorrentFormatException or IOException or UnauthorizedAccessException)
        {
            Lose(before, gone);
            var isSettled = before is not null && before.Stamp == stamp;
            if (isSettled)
            {
                Log.TorrentUnreadable(logger, file.FullName, error.Message);
            }

            _seen[file.FullName] = new Seen(stamp, InfoHash.None, isSettled);
        }
    }

    private static byte[] ReadWhole(FileInfo file) => file.Length <= ManifestLimits.Default.MaxBytes
        ? File.ReadAllBytes(file.FullName)
        : throw new TorrentFormatException(TorrentFormatReason.TooLarge, $"It has {file.Length} bytes, more than {ManifestLimits.Default.MaxBytes}.");

    /// <summary>A torrent went; a copy of its <c>.torrent</c> under another name takes its place at the next scan.</summary>
    private void Lose(Seen? seen, List<InfoHash> gone)
    {
        if (seen is null || seen.Id == InfoHash.None)
        {
            return;
        }

        gone.Add(seen.Id);
        foreach (var (path, other) in _seen.Where(pair => pair.Value.CopyOf == seen.Id).ToList())
        {
            _seen[path] = other with { Stamp = default };
        }
    }

    private readonly record struct Stamp(long Length, DateTime Modified);

    /// <param name="Id">What it is, or none.</param>
    /// <param name="IsWarned">Whether a person was told that it is of no use.</param>
    /// <param name="CopyOf">The torrent that it is a second copy of, or none.</param>
    private sealed record Seen(Stamp Stamp, InfoHash Id, bool IsWarned, InfoHash CopyOf = default);
}
