using QbSync.Ports;
using QbSync.Storage.IO;
using QbSync.Storage.State;
using QbSync.Torrents;

namespace QbSync.Storage.Inspection;

/// <summary>A torrent that a destination keeps, as its state says.</summary>
/// <param name="IsComplete">Whether its files stand under their final names; else it is still being received.</param>
/// <param name="Content">What should be where.</param>
public sealed record StoredContent(bool IsComplete, CheckedContent Content)
{
    /// <summary>Whether another look shows the same files in the same places.</summary>
    public bool IsSame(StoredContent? later) => later is not null && later.IsComplete == IsComplete
        && later.Content.Selection.Equals(Content.Selection) && later.Content.FileNames.Zip(Content.FileNames).All(static pair => pair.First.SequenceEqual(pair.Second));
}

/// <summary>
/// The torrents in a destination's state folder for who only looks: nothing is made, locked or written, and the destination may run. Stateless.
/// </summary>
public sealed class StoredTorrents
{
    private const int MaxTorrentBytes = 100 << 20;
    private readonly IFileSystem _files = LinuxFileSystem.Create();
    private readonly string _stateDirectory;
    private readonly string _dataRoot;

    /// <summary>Names the folders.</summary>
    public StoredTorrents(string stateDirectory, string dataRoot) => (_stateDirectory, _dataRoot) = (stateDirectory, dataRoot);

    /// <summary>Every torrent there; none when there is no such folder.</summary>
    public IReadOnlyList<InfoHash> List()
    {
        using var state = OpenState();
        return state is null ? [] : [.. StateLook.ListTorrents(state).OrderBy(static id => id.ToString(), StringComparer.Ordinal)];
    }

    /// <summary>A torrent as its state says now; null when it is not there, or its state is damaged.</summary>
    /// <exception cref="StorageException">It was written by a newer version, or cannot be read.</exception>
    public StoredContent? Find(InfoHash id)
    {
        using var state = OpenState();
        if (state is null)
        {
            return null;
        }

        var folder = new SessionFolder(state, id);
        byte[]? torrent;
        using (var handle = state.OpenFolder([SessionFolder.Parent, id.ToString()]))
        {
            torrent = handle is null ? null : AtomicFile.Read(_files, handle, SessionFolder.TorrentName, MaxTorrentBytes);
        }

        if (torrent is null || TryParse(torrent) is not { } manifest || manifest.Id != id)
        {
            return null;
        }

        var said = new SessionState(manifest);
        if (!Journal.TryRead(folder, SessionJournal.FileName, JournalHeader.Of(manifest), said.Apply) || said is not { Selection: { } selection, Place: { } place })
        {
            return null;
        }

        // Files that are being moved, or about to get or lose a name, may be in either place.
        var isAtRest = said.Phase.IsComplete() && said.Moving is null && said.Publishing.Count == 0 && said.Unpublishing.Count == 0 && !said.IsDeleting;
        return new StoredContent(isAtRest, new CheckedContent
        {
            Manifest = manifest,
            Selection = selection,
            Root = _dataRoot,
            FileNames = [.. manifest.Files.Select(file => file.IsReal ? (IReadOnlyList<string>)[.. place.SubPath, .. said.GetName(file.Index)] : [])],
            BoundaryFile = Path.Join(_stateDirectory, SessionFolder.Parent, id.ToString(), SessionFolder.BoundaryName),
        });
    }

    private RootDirectory? OpenState()
    {
        using var handle = _files.OpenRoot(_stateDirectory);
        return handle is null ? null : RootDirectory.Open(_files, _stateDirectory, create: false);
    }

    private static TorrentManifest? TryParse(byte[] torrent)
    {
        try
        {
            return TorrentManifest.Parse(torrent);
        }
        catch (TorrentFormatException)
        {
            return null;
        }
    }
}
