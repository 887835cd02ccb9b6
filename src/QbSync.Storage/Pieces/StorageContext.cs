using QbSync.Storage.Hardlinks;
using QbSync.Storage.IO;
using QbSync.Torrents;

namespace QbSync.Storage.Pieces;

/// <summary>What the torrents of one store share. Made and disposed by the store.</summary>
internal sealed class StorageContext(
    Live<StorageOptions> options,
    RootDirectory root,
    RootDirectory state,
    PathReservations paths,
    StorageMetrics metrics,
    TimeProvider time,
    FileLinker links) : IDisposable
{
    public StorageOptions Options => options.Current;

    public IFileSystem Files => root.Files;

    /// <summary>Folder of the content.</summary>
    public RootDirectory Root => root;

    /// <summary>Folder of the state.</summary>
    public RootDirectory State => state;

    /// <summary>Who has which final path.</summary>
    public PathReservations Paths => paths;

    public StorageMetrics Metrics => metrics;

    public TimeProvider Time => time;

    public DiskSpace Space { get; } = new(root, () => options.Current.MinFreeBytes, time);

    public WriteHandleCache Handles { get; } = new(options.Current.MaxOpenFiles);

    /// <summary>The life of the state.</summary>
    public required ulong Incarnation { get; init; }

    /// <summary>Whether the root can be written to.</summary>
    public required RootHealth Health { get; init; }

    /// <summary>Files that are here under another name.</summary>
    public FileLinker Links => links;

    public PieceScratchPool Scratch { get; } = new();

    /// <summary>Turns at flushing files: fsync has a pool of its own, so that a slow device holds no worker that writes.</summary>
    public SemaphoreSlim SyncTurns { get; } = new(options.Current.SyncParallelism);

    /// <summary>A file or a folder below the root could not be flushed.</summary>
    public void NoteSyncFailed(StorageException failure)
    {
        metrics.FileSyncFailed();
        Health.Failed(failure, isFlush: true);
    }

    /// <summary>Raised outside all locks: a torrent found this inode to be not what it should be.</summary>
    public event Action<InfoHash, ulong>? Doubted;

    /// <summary>Tells the other torrents that this inode is not what it should be.</summary>
    public void Doubt(InfoHash torrent, ulong inode) => Doubted?.Invoke(torrent, inode);

    /// <inheritdoc />
    public void Dispose()
    {
        Scratch.Dispose();
        SyncTurns.Dispose();
        root.Dispose();
        state.Dispose();
    }
}
