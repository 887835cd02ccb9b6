using System.Text;
using QbSync.Storage.IO;

namespace QbSync.Storage.State;

/// <summary>
/// Ties a data folder to the state that knows what is in it: an id in <c>.qbsync/root</c> below the folder and in the state. Without it an unmounted disk would
/// look like an empty one, and its content like lost.
/// </summary>
internal static class RootMarker
{
    private const string MarkerName = "root";
    private const string StateName = "roots";
    private const string Header = "qbsync-root 1\n";
    private const int IdBytes = 16;

    /// <summary>Compares both, and makes what is new.</summary>
    /// <param name="root">The data folder.</param>
    /// <param name="state">The state folder.</param>
    /// <param name="hasContent">Whether the state knows content in it.</param>
    /// <param name="randomBytes">Makes ids.</param>
    /// <param name="metrics">Where a failed write is counted.</param>
    /// <exception cref="StorageException"><see cref="StorageFault.NotUsable"/>: it is not the folder that the state knows.</exception>
    public static void Check(RootDirectory root, RootDirectory state, bool hasContent, Func<int, byte[]> randomBytes, StorageMetrics metrics)
    {
        var known = FindKnown(state);
        var found = FindMarker(root);
        if (hasContent && known is not null && found != known)
        {
            throw new StorageException(
                StorageFault.NotUsable,
                $"'{root.Path}' is not the data folder that '{state.Path}' knows ({SafePath.OwnFolder}/{MarkerName} is {(found is null ? "absent" : "another one")}): "
                + "mount it, or give the state folder that belongs to it.");
        }

        var id = found ?? Convert.ToHexStringLower(randomBytes(IdBytes));
        if (found is null)
        {
            using var folder = root.EnsureFolder([SafePath.OwnFolder]);
            Write(root.Files, folder, MarkerName, id, metrics);
        }

        if (known != id)
        {
            Write(state.Files, state.Handle, StateName, id, metrics);
        }
    }

    /// <summary>The id of the data folder that the state knows; null for none.</summary>
    public static string? FindKnown(RootDirectory state) => Read(state.Files, state.Handle, StateName);

    /// <summary>The id in a data folder; null for none.</summary>
    public static string? FindMarker(RootDirectory root)
    {
        using var folder = root.OpenFolder([SafePath.OwnFolder]);
        return folder is null ? null : Read(root.Files, folder, MarkerName);
    }

    /// <summary>Whether the file system takes names that differ in case for one.</summary>
    public static bool FoldsCase(RootDirectory root) => root.Files.Stat(root.Handle, SafePath.OwnFolder.ToUpperInvariant()) is not null;

    private static string? Read(IFileSystem files, FileHandle folder, string name)
    {
        var text = AtomicFile.Read(files, folder, name, 256) is { } bytes ? Encoding.ASCII.GetString(bytes) : null;
        return text?.StartsWith(Header, StringComparison.Ordinal) == true ? text[Header.Length..].Trim() : null;
    }

    private static void Write(IFileSystem files, FileHandle folder, string name, string id, StorageMetrics metrics) =>
        AtomicFile.Write(files, folder, name, Encoding.ASCII.GetBytes(Header + id + "\n"), metrics);
}
