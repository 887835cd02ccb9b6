using Microsoft.Win32.SafeHandles;
using QbSync.Ports;
using QbSync.Storage.IO;
using QbSync.Storage.IO.Native;
using QbSync.Torrents;

namespace QbSync.Storage.Pieces;

/// <summary>A file of a content as it was found on disk.</summary>
/// <param name="Path">Without any link.</param>
/// <param name="Identity">At the moment of the look.</param>
internal readonly record struct ResolvedFile(string Path, FileIdentity Identity);

/// <summary>
/// Finds the files of a <see cref="ContentLocation"/> under the names that clients give them while they download. Only regular files count whose last part
/// is no link and that lie, links resolved, below the base folder or the configured root. Stateless.
/// </summary>
internal sealed class ContentResolver(string? root)
{
    /// <summary>What a client that is told to appends to the names of files that are not complete, or not checked yet.</summary>
    public const string IncompleteSuffix = ".!qB";

    private const string UnwantedFolder = ".unwanted";

    /// <summary>Index under which the part file candidate <paramref name="candidate"/> goes: below all files of the manifest.</summary>
    public static int PartFileIndex(int candidate) => -1 - candidate;

    /// <summary>Number of names under which a part file may be.</summary>
    public static int CountPartFiles(ContentLocation location) => location.BaseFolders.Count * location.PartFileNames.Count;

    /// <summary>The file, under the first of its names that exists in the first base folder that has one; null when there is none.</summary>
    public ResolvedFile? Find(ContentLocation location, int index)
    {
        if (index < 0)
        {
            var (folder, name) = Math.DivRem(-1 - index, location.PartFileNames.Count);
            var partFile = location.PartFileNames[name];
            return SafePath.IsPart(partFile) ? Look(location.BaseFolders[folder], Path.Join(location.BaseFolders[folder], partFile)) : null;
        }

        var parts = location.FileNames[index];
        if (parts.Count == 0 || !parts.All(SafePath.IsPart))
        {
            return null;
        }

        var below = string.Join(Path.DirectorySeparatorChar, parts);
        var unwanted = Path.Join(Path.GetDirectoryName(below), UnwantedFolder, parts[^1]);
        foreach (var folder in location.BaseFolders)
        {
            var found = Look(folder, Path.Join(folder, below))
                ?? Look(folder, Path.Join(folder, below + IncompleteSuffix))
                ?? Look(folder, Path.Join(folder, unwanted))
                ?? Look(folder, Path.Join(folder, unwanted + IncompleteSuffix));
            if (found is not null)
            {
                return found;
            }
        }

        return null;
    }

    /// <summary>Opens what <see cref="Find"/> found, or null when something else stands there by now.</summary>
    /// <exception cref="IOException">The device, or a permission, does not let us.</exception>
    /// <exception cref="UnauthorizedAccessException">A permission does not let us.</exception>
    public static SafeFileHandle? Open(ResolvedFile file)
    {
        SafeFileHandle handle;
        try
        {
            handle = File.OpenHandle(file.Path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        }
        catch (Exception error) when (error is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }

        if (PathStat.OfHandle(handle) is { } now && now.Device == file.Identity.Device && now.Inode == file.Identity.Inode)
        {
            return handle;
        }

        handle.Dispose();
        return null;
    }

    private ResolvedFile? Look(string folder, string path) =>
        PathStat.OfRegularFile(path) is { } identity && PathStat.Resolve(path) is { } real && (IsBelow(real, folder) || IsBelow(real, root))
            ? new ResolvedFile(real, identity)
            : null;

    private static bool IsBelow(string real, string? folder)
    {
        if (string.IsNullOrEmpty(folder) || PathStat.Resolve(folder) is not { } realFolder)
        {
            return false;
        }

        var length = realFolder.TrimEnd(Path.DirectorySeparatorChar).Length;
        return real.Length > length && real[length] == Path.DirectorySeparatorChar && real.StartsWith(realFolder, StringComparison.Ordinal);
    }
}
