using QbSync.Storage.IO;
using QbSync.Torrents;

namespace QbSync.Storage.State;

/// <summary>The folder that holds a session's state: <c>torrents/ID</c> below the state folder. Opened by each use.</summary>
internal sealed class SessionFolder(RootDirectory state, InfoHash id)
{
    /// <summary>Folder of all sessions.</summary>
    public const string Parent = "torrents";

    /// <summary>The <c>.torrent</c> as it was received.</summary>
    public const string TorrentName = "torrent";

    /// <summary>Bytes of unselected files.</summary>
    public const string BoundaryName = "boundary.parts";

    private readonly string[] _parts = [Parent, id.ToString()];

    /// <summary>Where it is.</summary>
    public IFileSystem Files => state.Files;

    /// <summary>For messages.</summary>
    public string Path => state.Describe(_parts);

    /// <summary>Opens the folder.</summary>
    public FileHandle Open() => state.OpenFolder(_parts)
        ?? throw new StorageException(StorageFault.Io, $"The folder '{Path}' is gone.");

    /// <summary>Makes the folder, durably.</summary>
    public FileHandle Create() => state.EnsureFolder(_parts);

    /// <summary>Removes the session's files and the folder; what is not ours stays, and then the folder does.</summary>
    public void Remove()
    {
        using var parent = state.OpenFolder([Parent]);
        using var folder = state.OpenFolder(_parts);
        if (parent is null || folder is null)
        {
            return;
        }

        // The journal goes last: it is what says that the rest is to go.
        foreach (var name in (ReadOnlySpan<string>)[BoundaryName, TorrentName, AtomicFile.TemporaryPrefix + SessionJournal.FileName,
            AtomicFile.TemporaryPrefix + TorrentName, SessionJournal.FileName])
        {
            Files.Unlink(folder, name);
        }

        Files.RemoveFolder(parent, _parts[1]);
        Files.SyncFolder(parent);
    }
}
