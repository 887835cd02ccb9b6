using QbSync.Ports;
using QbSync.Storage.IO;

namespace QbSync.Storage.FolderClient;

public sealed partial class FolderTorrentClient
{
    /// <summary>
    /// Forgets torrents: the <c>.torrent</c> goes, with every copy of it. With their files, what they name below the data folder goes before, but
    /// for what another torrent here names too. A crash in between leaves the torrent listed, and the same call again removes the rest.
    /// </summary>
    public ValueTask DeleteAsync(IReadOnlyCollection<ClientTorrentId> ids, bool withFiles, CancellationToken cancellationToken) => ChangeAllAsync(
        nameof(DeleteAsync),
        ids,
        torrent =>
        {
            if (withFiles)
            {
                GetFolder(torrent.Record.SavePath, nameof(DeleteAsync));
            }
        },
        torrent =>
        {
            _reader.Forget(torrent.Manifest.Id);
            if (withFiles)
            {
                DeleteContent(torrent);
            }

            do
            {
                File.Delete(torrent.TorrentPath);
                Scan();

                // A copy under another name takes its place with the scan after.
                Scan();
            }
            while (_torrents.TryGetValue(torrent.Id, out torrent!));
        },
        cancellationToken);

    private void DeleteContent(FolderTorrent torrent)
    {
        if (!Directory.Exists(torrent.Record.SavePath))
        {
            return;
        }

        var folder = GetFolder(torrent.Record.SavePath, nameof(DeleteAsync));
        var others = _torrents.Values.Where(other => other != torrent)
            .SelectMany(static other => GetNames(other).Select(name => Path.Join(other.Record.SavePath, Path.Join(name))))
            .ToHashSet(StringComparer.Ordinal);
        using var root = RootDirectory.Open(_files, _options.DataDirectory, create: false);
        foreach (var name in GetNames(torrent).Where(name => !others.Contains(Path.Join(torrent.Record.SavePath, Path.Join(name)))))
        {
            string[] path = [.. folder, .. name];
            using var parent = root.OpenFolder(path.AsSpan(..^1));
            if (parent is null || _files.Stat(parent, path[^1])?.Kind != FileKind.File)
            {
                continue;
            }

            _files.Unlink(parent, path[^1]);
            _files.SyncFolder(parent);
            RemoveEmptyFolders(root, path, folder.Length);
        }
    }
}
