using QbSync.Ports;
using QbSync.Storage.IO;
using QbSync.Torrents;

namespace QbSync.Storage.FolderClient;

public sealed partial class FolderTorrentClient
{
    private const string IncompleteSuffix = ".!qB";

    /// <inheritdoc />
    public ValueTask RenameFileAsync(ClientTorrentId id, string oldPath, string newPath, CancellationToken cancellationToken) => ChangeAsync(
        nameof(RenameFileAsync),
        () =>
        {
            var torrent = Get(id, nameof(RenameFileAsync));
            var file = torrent.RealFiles().FirstOrDefault(file => string.Join('/', torrent.Location.FileNames[file.Index]) == oldPath)
                ?? throw Refuse(ClientFault.Conflict, $"The torrent {id} has no file '{oldPath}'.");
            var names = torrent.RealFiles().Select(other => other == file ? newPath.Split('/') : torrent.Location.FileNames[other.Index]);
            if (PathRules.CheckAll(names) is { } fault)
            {
                throw Refuse(ClientFault.Rejected, $"A file cannot be named '{newPath}': {fault.Kind}.");
            }

            if (oldPath != newPath)
            {
                RenameOnDisk(torrent.Record.SavePath, oldPath.Split('/'), newPath.Split('/'));
                torrent.Change(torrent.Record with
                {
                    Renamed = new Dictionary<int, string>(torrent.Record.Renamed) { [file.Index] = newPath },
                });
                _reader.Forget(torrent.Manifest.Id);
            }
        },
        cancellationToken);

    /// <summary>Renames the file, complete or not, where it is there; a name that is taken is a conflict, never replaced.</summary>
    private void RenameOnDisk(string savePath, string[] oldParts, string[] newParts)
    {
        if (!Directory.Exists(savePath))
        {
            return;
        }

        using var root = RootDirectory.Open(_files, savePath, create: false);
        using var oldFolder = root.OpenFolder(oldParts.AsSpan(..^1));
        if (oldFolder is null)
        {
            return;
        }

        foreach (var suffix in (string[])["", IncompleteSuffix])
        {
            if (_files.Stat(oldFolder, oldParts[^1] + suffix)?.Kind != FileKind.File)
            {
                continue;
            }

            using var newFolder = root.EnsureFolder(newParts.AsSpan(..^1));
            if (!_files.RenameNew(oldFolder, oldParts[^1] + suffix, newFolder, newParts[^1] + suffix))
            {
                throw Refuse(ClientFault.Conflict, $"'{string.Join('/', newParts)}' is there already, below '{savePath}'.");
            }

            _files.SyncFolder(newFolder);
            _files.SyncFolder(oldFolder);
        }
    }

    private static TorrentClientException Refuse(ClientFault fault, string message) => new(fault, nameof(RenameFileAsync), message);
}
