using QbSync.Ports;
using QbSync.Storage.IO;

namespace QbSync.Storage.FolderClient;

public sealed partial class FolderTorrentClient
{
    /// <summary>
    /// Moves content to another folder of the data folder by renames, replacing nothing; what was moved goes back when the whole cannot. A crash in
    /// between leaves the record as it was, and the same call again moves the rest.
    /// </summary>
    public ValueTask SetLocationAsync(IReadOnlyCollection<ClientTorrentId> ids, string savePath, CancellationToken cancellationToken)
    {
        if (!Path.IsPathFullyQualified(savePath) || savePath.Trim() != savePath)
        {
            throw new ArgumentException($"'{savePath}' is no absolute path without white space at its ends.", nameof(savePath));
        }

        return ChangeAllAsync(
            nameof(SetLocationAsync),
            ids,
            torrent =>
            {
                GetFolder(savePath, nameof(SetLocationAsync));
                GetFolder(torrent.Record.SavePath, nameof(SetLocationAsync));
                if (torrent.Record.Checking)
                {
                    throw RefuseMove($"The torrent {torrent.Id} is being checked.");
                }
            },
            torrent =>
            {
                var (from, to) = (GetFolder(torrent.Record.SavePath, nameof(SetLocationAsync)), GetFolder(savePath, nameof(SetLocationAsync)));
                if (!to.SequenceEqual(from))
                {
                    MoveContent(torrent, from, to);
                    torrent.Change(torrent.Record with { SavePath = savePath });
                    _reader.Forget(torrent.Manifest.Id);
                }
            },
            cancellationToken);
    }

    private static TorrentClientException RefuseMove(string message) => new(ClientFault.Conflict, nameof(SetLocationAsync), message);

    /// <summary>A save path in parts below the data folder, which is as far as content is moved or removed.</summary>
    private string[] GetFolder(string path, string operation)
    {
        var relative = Path.GetRelativePath(_options.DataDirectory, path);
        string[] parts = relative == "." ? [] : relative.Split('/');
        return parts.All(SafePath.IsPart) ? parts : throw new TorrentClientException(
            ClientFault.Conflict, operation, $"'{path}' is not below '{_options.DataDirectory}'.");
    }

    private void MoveContent(FolderTorrent torrent, string[] oldFolder, string[] newFolder)
    {
        using var root = RootDirectory.Open(_files, _options.DataDirectory, create: false);
        List<(string[] From, string[] To)> moved = [];
        try
        {
            foreach (var name in GetNames(torrent))
            {
                string[] from = [.. oldFolder, .. name], to = [.. newFolder, .. name];
                if (MoveFile(root, from, to))
                {
                    moved.Add((from, to));
                }
            }
        }
        catch (Exception error) when (error is TorrentClientException or StorageException)
        {
            moved.ForEach(file => MoveFile(root, file.To, file.From));
            throw error as TorrentClientException ?? RefuseMove(error.Message);
        }

        foreach (var (from, _) in moved)
        {
            RemoveEmptyFolders(root, from, oldFolder.Length);
        }
    }

    /// <summary>Every name that content of a torrent may have: whole, incomplete, and the part file.</summary>
    private static IEnumerable<string[]> GetNames(FolderTorrent torrent)
    {
        foreach (var name in torrent.RealFiles().Select(file => torrent.Location.FileNames[file.Index]))
        {
            yield return [.. name];
            yield return [.. name.SkipLast(1), name[^1] + IncompleteSuffix];
        }

        foreach (var partFile in torrent.Location.PartFileNames)
        {
            yield return [partFile];
        }
    }

    /// <summary>Whether there was something to move.</summary>
    private bool MoveFile(RootDirectory root, string[] from, string[] to)
    {
        using var oldFolder = root.OpenFolder(from.AsSpan(..^1));
        if (oldFolder is null || _files.Stat(oldFolder, from[^1])?.Kind != FileKind.File)
        {
            return false;
        }

        using var newFolder = root.EnsureFolder(to.AsSpan(..^1));
        if (!_files.RenameNew(oldFolder, from[^1], newFolder, to[^1]))
        {
            throw RefuseMove($"'{root.Describe(to)}' is there already.");
        }

        _files.SyncFolder(newFolder);
        _files.SyncFolder(oldFolder);
        return true;
    }

    private void RemoveEmptyFolders(RootDirectory root, string[] file, int kept)
    {
        for (var count = file.Length - 1; count > kept; count--)
        {
            using var parent = root.OpenFolder(file.AsSpan(..(count - 1)));
            if (parent is null || !_files.RemoveFolder(parent, file[count - 1]))
            {
                return;
            }
        }
    }
}
