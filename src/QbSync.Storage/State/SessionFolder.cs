using QbSync.Storage.IO;
using QbSync.Torrents;

namespace QbSync.Storage.State;

/// <summary>The folder that holds a session's state: <c>torrents/ID</c> below the state folder. Opened by each use.</summary>
internal sealed class SessionFolder(RootDirectory state, InfoHash id) : StateFolder(state, [Parent, id.ToString()])
{
    /// <summary>Folder of all sessions.</summary>
    public const string Parent = "torrents";

    /// <summary>The <c>.torrent</c> as it was received.</summary>
    public const string TorrentName = "torrent";

    /// <summary>Bytes of unselected files.</summary>
    public const string BoundaryName = "boundary.parts";

    /// <summary>What a completed torrent was seen to be.</summary>
    public const string ProofName = "proof";

    /// <summary>Makes the folder, durably.</summary>
    public FileHandle Create() => State.EnsureFolder([.. Parts]);

    /// <summary>Removes the session's files and the folder; what is not ours stays, and then the folder does.</summary>
    public void Remove()
    {
        using var parent = State.OpenFolder([Parent]);
        using var folder = State.OpenFolder([.. Parts]);
        if (parent is null || folder is null)
        {
            return;
        }

        // The journal goes last: it is what says that the rest is to go.
        foreach (var name in (ReadOnlySpan<string>)[BoundaryName, ProofName, TorrentName, AtomicFile.TemporaryPrefix + SessionJournal.FileName,
            AtomicFile.TemporaryPrefix + TorrentName, AtomicFile.TemporaryPrefix + ProofName, SessionJournal.FileName])
        {
            Files.Unlink(folder, name);
        }

        Files.RemoveFolder(parent, Parts[1]);
        Files.SyncFolder(parent);
    }
}
