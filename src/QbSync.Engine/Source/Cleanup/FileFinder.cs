using QbSync.Engine.Source.Planning;
using QbSync.Engine.Source.Tracking;
using QbSync.Ports;
using QbSync.Torrents;

namespace QbSync.Engine.Source.Cleanup;

/// <summary>
/// Finds all files of a torrent on disk by the client's words alone, so that it works for torrents of which there is no manifest. Blocks as long as the
/// disk does. Thread-safe.
/// </summary>
internal sealed class FileFinder(ILocalFiles disk)
{
    /// <summary>What a client that is told to appends to the names of files that are not complete.</summary>
    public const string IncompleteSuffix = ".!qB";

    private const string UnwantedFolder = ".unwanted";
    private const string PadFolder = ".pad";

    /// <summary>Looks at every file.</summary>
    /// <param name="status">What the client says of the torrent.</param>
    /// <param name="listed">The client's list of its files.</param>
    /// <param name="client">The client.</param>
    /// <param name="map">Which of the client's folders are which here.</param>
    /// <param name="failed">Takes the paths at which the system did not tell what stands there.</param>
    public IndexedTorrent Find(
        TorrentStatus status, IReadOnlyList<ClientFile> listed, ClientDescription client, PathMap map, ICollection<string> failed)
    {
        List<(ClientFile File, string[] Parts)> named = [];
        List<UnplacedFile> unplaced = [];
        foreach (var file in listed)
        {
            var parts = Wanted(file.Path.Split('/'));
            if (IsPad(parts))
            {
                continue;
            }

            if (ClientPath.IsSafe(parts))
            {
                named.Add((file, parts));
            }
            else
            {
                unplaced.Add(Unplaced(file));
            }
        }

        List<string> folders = [];
        var isElsewhere = false;
        foreach (var folder in TorrentLayout.FindFolders(status, client, [.. named.Select(static file => file.Parts)]))
        {
            if (map.ToLocal(folder) is { } local)
            {
                folders.Add(local);
            }
            else
            {
                // Of what is complete the first folder counts; what is not may lie in any of them.
                isElsewhere |= folders.Count == 0 || ClientClasses.Of(status) != ClientClass.Complete;
            }
        }

        // While the client moves them, they are in neither place for sure.
        var isHere = folders.Count > 0 && status.State != ClientTorrentState.Moving;
        List<IndexedFile> files = [];
        foreach (var (file, parts) in named)
        {
            if (!isHere || !Look(status, file, parts, folders, isElsewhere, files, failed))
            {
                unplaced.Add(Unplaced(file));
            }
        }

        return new IndexedTorrent(status, files, unplaced);
    }

    /// <summary>Adds the paths of a file; false when it should be there and is not.</summary>
    private bool Look(
        TorrentStatus status, ClientFile file, string[] parts, List<string> folders, bool isElsewhere, List<IndexedFile> files, ICollection<string> failed)
    {
        var isComplete = ClientClasses.Of(status) == ClientClass.Complete;
        LocalPath? nominal = null;
        foreach (var folder in folders)
        {
            foreach (var name in NamesOf(parts))
            {
                var found = disk.Look(Path.Combine([folder, .. name]));
                switch (found.Kind)
                {
                    case LocalPathKind.Unknown:
                        failed.Add(found.Path);
                        return false;
                    case LocalPathKind.File:
                        files.Add(new IndexedFile(
                            found.Path,
                            file.Size,
                            new FileInode(new InodeId(found.Device, found.Inode), found.Links, found.AllocatedBytes)));
                        break;
                    case LocalPathKind.Other:
                        files.Add(new IndexedFile(found.Path, file.Size, null));
                        break;
                    case LocalPathKind.Absent:
                        nominal ??= found;
                        continue;
                }

                if (!isComplete && nominal is { } first && first.Path != found.Path)
                {
                    files.Add(new IndexedFile(first.Path, file.Size, null)); // where it will be in the end
                }

                return true;
            }
        }

        if (isElsewhere)
        {
            return false;
        }

        files.Add(new IndexedFile(nominal!.Value.Path, file.Size, null));
        return file.Size == 0 || !file.Selected || (!isComplete && file.Progress < 1); // what is not wanted may be in the part file
    }

    /// <summary>The names under which clients keep a file while it is not complete, or not wanted.</summary>
    private static IEnumerable<string[]> NamesOf(string[] parts)
    {
        string[] unwanted = [.. parts[..^1], UnwantedFolder, parts[^1]];
        yield return parts;
        yield return [.. parts[..^1], parts[^1] + IncompleteSuffix];
        yield return unwanted;
        yield return [.. unwanted[..^1], unwanted[^1] + IncompleteSuffix];
    }

    /// <summary>The name without the marks that a client shows in its list while a file is not complete, or not wanted.</summary>
    private static string[] Wanted(string[] parts)
    {
        string[] shown = parts is [.., UnwantedFolder, _] ? [.. parts[..^2], parts[^1]] : parts;
        return shown is [.., var last] && last.Length > IncompleteSuffix.Length && last.EndsWith(IncompleteSuffix, StringComparison.Ordinal)
            ? [.. shown[..^1], last[..^IncompleteSuffix.Length]]
            : shown;
    }

    /// <summary>Old clients list what only fills pieces up; it is on no disk.</summary>
    private static bool IsPad(string[] parts) =>
        (parts is [.., PadFolder, var number] && number.All(char.IsAsciiDigit)) || parts[^1].StartsWith("_____padding_file_", StringComparison.Ordinal);

    private static UnplacedFile Unplaced(ClientFile file) => new(UnplacedFile.TailOf(file.Path, 2), file.Size);
}
