using System.Globalization;
using System.Text;
using QbSync.Storage.IO;
using QbSync.Storage.State;
using QbSync.Torrents;

namespace QbSync.Storage.Inspection;

/// <summary>What a destination's state folder says to somebody who only looks: nothing is made, locked or written, and another process may have it.</summary>
public sealed record StateLook
{
    private const string Lock = "lock";

    /// <summary>Whether the folder is there.</summary>
    public bool Exists { get; init; }

    /// <summary>Who holds it, as in <c>process 7</c>; null when nobody does.</summary>
    public string? Holder { get; init; }

    /// <summary>Whether it is in memory, and gone with the power.</summary>
    public bool IsInMemory { get; init; }

    /// <summary>The first thing in it that a newer build wrote; null when there is none.</summary>
    public string? Newer { get; init; }

    /// <summary>Torrents that a destination keeps there.</summary>
    public int StoredTorrents { get; init; }

    /// <summary>Torrents that a source keeps there.</summary>
    public int SourceTorrents { get; init; }

    /// <summary>Whether the data folder is the one that this state knows.</summary>
    public RootMatch Root { get; init; }

    /// <summary>Whether the data folder has nothing in it but what is ours.</summary>
    public bool IsRootEmpty { get; init; }

    /// <summary>Looks.</summary>
    /// <param name="stateDirectory">The folder, which need not be there.</param>
    /// <param name="dataRoot">The data folder; null for none.</param>
    /// <exception cref="StorageException">Something there cannot be read.</exception>
    public static StateLook Of(string stateDirectory, string? dataRoot) => Of(LinuxFileSystem.Create(), stateDirectory, dataRoot);

    internal static StateLook Of(IFileSystem files, string stateDirectory, string? dataRoot)
    {
        using var state = OpenIfThere(files, stateDirectory);
        using var root = dataRoot is null ? null : OpenIfThere(files, dataRoot);
        var ids = state is null ? [] : ListTorrents(state);
        var known = state is null ? null : RootMarker.FindKnown(state);
        var found = root is null ? null : RootMarker.FindMarker(root);
        return new StateLook
        {
            Exists = state is not null,
            Holder = state is null ? null : FindHolder(state),
            IsInMemory = IsMemory(files, stateDirectory),
            Newer = state is null ? null : ids.Select(id => FindNewer(state, id)).FirstOrDefault(static newer => newer is not null),
            StoredTorrents = ids.Count,
            SourceTorrents = state is null ? 0 : CountRecords(state),
            Root = (known, found) switch
            {
                (_, null) => RootMatch.NoMarker,
                (null, _) => RootMatch.Unknown,
                _ => known == found ? RootMatch.Same : RootMatch.Other,
            },
            IsRootEmpty = root is not null && root.Files.List(root.Handle).All(static name => name == SafePath.OwnFolder || name == "lost+found"),
        };
    }

    /// <summary>Ids of the torrents that a destination keeps in a state folder.</summary>
    internal static List<InfoHash> ListTorrents(RootDirectory state)
    {
        using var torrents = state.OpenFolder([SessionFolder.Parent]);
        var ids = new List<InfoHash>();
        foreach (var name in torrents is null ? [] : state.Files.List(torrents))
        {
            if (InfoHash.TryParse(name, out var id) && id.ToString() == name)
            {
                ids.Add(id);
            }
        }

        return ids;
    }

    private static RootDirectory? OpenIfThere(IFileSystem files, string path)
    {
        using var handle = files.OpenRoot(path);
        return handle is null ? null : RootDirectory.Open(files, path, create: false);
    }

    private static int CountRecords(RootDirectory state)
    {
        using var torrents = state.OpenFolder([SessionFolder.Parent]);
        return torrents is null ? 0 : state.Files.List(torrents).Count(static name => name.EndsWith(DurableRecords.Suffix, StringComparison.Ordinal));
    }

    private static string? FindNewer(RootDirectory state, InfoHash id)
    {
        using var folder = state.OpenFolder([SessionFolder.Parent, id.ToString()]);
        using var journal = folder is null ? null : state.Files.OpenFile(folder, SessionJournal.FileName, writable: false);
        Span<byte> head = stackalloc byte[JournalHeader.Length];
        return journal is not null && JournalHeader.IsNewer(head[..state.Files.Read(journal, head, 0)])
            ? state.Describe([SessionFolder.Parent, id.ToString(), SessionJournal.FileName])
            : null;
    }

    /// <summary>Tries the lock for a moment, since the file stays when its process is gone.</summary>
    private static string? FindHolder(RootDirectory state)
    {
        using var file = state.Files.OpenFile(state.Handle, Lock, writable: false);
        if (file is null || state.Files.TryLock(file))
        {
            return null;
        }

        Span<byte> text = stackalloc byte[16];
        return int.TryParse(Encoding.ASCII.GetString(text[..state.Files.Read(file, text, 0)]).Trim(), CultureInfo.InvariantCulture, out var pid)
            ? $"process {pid}"
            : "another process";
    }

    /// <summary>Whether the folder, or where it would be made, is in memory.</summary>
    private static bool IsMemory(IFileSystem files, string path)
    {
        for (var at = path; at is not null; at = Path.GetDirectoryName(at))
        {
            using var handle = files.OpenRoot(at);
            if (handle is not null)
            {
                return files.IsMemory(handle);
            }
        }

        return false;
    }
}
