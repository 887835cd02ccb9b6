using QbSync.Storage.IO;
using QbSync.Storage.State;
using QbSync.Torrents;

namespace QbSync.Storage.Hardlinks;

/// <summary>
/// Finds files that are here already under another name, by the identity that the source's file system gives them. An identity is a hint: what is linked is
/// hashed like any other content before it counts. Thread-safe; one a store.
/// </summary>
internal sealed class FileLinker
{
    /// <summary>Raised outside all locks for a torrent whose file waits no more, or may be linked now.</summary>
    public event Action<InfoHash>? Wake;

    /// <summary>
    /// Asks how a file is to come. The first of an identity becomes its writer, later ones wait. Repeating it answers anew: a waiter whose writer published
    /// may link, one whose writer gave up is the writer now.
    /// </summary>
    public LinkStep Begin(InfoHash torrent, int file, FileIdentity? identity, Guid source) => LinkStep.None;

    /// <summary>
    /// Gives a verified file of that identity one more name, durably: a hard link, never to be written to; or a clone, which is an ordinary partial file.
    /// Null: it cannot be had so, and is to be received. Content is not looked at.
    /// </summary>
    public FileRecord? TryLink(InfoHash torrent, int file, FileHandle folder, string hiddenName) => null;

    /// <summary>A file has its final name, durably: from here on others link to it.</summary>
    public void Published(InfoHash torrent, int file, IReadOnlyList<string> path, in FileStat stat)
    {
    }

    /// <summary>A writer received something, so its waiters go on waiting.</summary>
    public void Progressed(InfoHash torrent, int file)
    {
    }

    /// <summary>A file is not received here any more, or waits no more.</summary>
    public void Release(InfoHash torrent, int file) => Wake?.Invoke(torrent);

    /// <summary>A torrent has no claims any more.</summary>
    public void Release(InfoHash torrent)
    {
    }
}
