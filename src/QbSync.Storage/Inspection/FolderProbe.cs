using System.Security.Cryptography;
using QbSync.Storage.IO;

namespace QbSync.Storage.Inspection;

/// <summary>
/// What can be done in a folder, found out by doing it: in a folder of its own below it, which is removed again. Nothing else is touched.
/// </summary>
public sealed record FolderProbe
{
    /// <summary>How the names of the folders begin that a probe makes.</summary>
    public const string NamePrefix = ".qbsync-doctor-";

    // Names that encrypted folders lengthen beyond what their file system takes: eCryptfs refuses more than 143 bytes.
    private const int LongName = 144;
    private const int RandomBytes = 6;

    /// <summary>What could not be done that everything needs (make, write, rename or flush); null when all of it could.</summary>
    public string? Fault { get; init; }

    /// <summary>What was made and could not be removed again; null when nothing stayed.</summary>
    public string? Remains { get; init; }

    /// <summary>The longest flush of a file or of the folder.</summary>
    public TimeSpan LongestFlush { get; init; }

    /// <summary>Whether a file can have a second name there.</summary>
    public bool Links { get; init; }

    /// <summary>Whether names that differ in case are one.</summary>
    public bool FoldsCase { get; init; }

    /// <summary>Whether a name of more than 143 bytes is taken.</summary>
    public bool TakesLongNames { get; init; }

    /// <summary>Whether what is flushed may be gone after a power cut all the same, since folders cannot be flushed there.</summary>
    public bool FlushesFolders { get; init; }

    /// <summary>Probes a folder that is there. Blocks as long as its device does.</summary>
    public static FolderProbe Run(string path, TimeProvider time) => Run(LinuxFileSystem.Create(), path, time);

    internal static FolderProbe Run(IFileSystem files, string path, TimeProvider time)
    {
        RootDirectory root;
        try
        {
            root = RootDirectory.Open(files, path, create: false);
        }
        catch (StorageException failure)
        {
            return new FolderProbe { Fault = failure.Message };
        }

        using (root)
        {
            var name = NamePrefix + Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(RandomBytes));
            FolderProbe found;
            try
            {
                files.MakeFolder(root.Handle, name);
                using var folder = root.OpenFolder([name]) ?? throw new StorageException(StorageFault.Io, $"'{name}' is gone as soon as it was made.");
                found = new Attempt(files, folder, time).Look();
            }
            catch (StorageException failure)
            {
                found = new FolderProbe { Fault = failure.Message };
            }

            return found with { Remains = Remove(files, root, name) };
        }
    }

    private static string? Remove(IFileSystem files, RootDirectory root, string name)
    {
        try
        {
            using (var folder = root.OpenFolder([name]))
            {
                foreach (var file in folder is null ? [] : files.List(folder))
                {
                    files.Unlink(folder!, file);
                }
            }

            files.RemoveFolder(root.Handle, name);
            return null;
        }
        catch (StorageException)
        {
            return root.Describe([name]);
        }
    }

    private sealed class Attempt(IFileSystem files, FileHandle folder, TimeProvider time)
    {
        private const string First = "probe";
        private const string Second = "renamed";
        private TimeSpan _longest;

        public FolderProbe Look()
        {
            using (var file = files.CreateFile(folder, First) ?? throw new StorageException(StorageFault.PathConflict, $"'{First}' is there already."))
            {
                files.Write(file, new byte[4096], 0);
                Time(() => files.Sync(file));
            }

            var flushesFolders = false;
            files.RenameNew(folder, First, folder, Second);
            Time(() => flushesFolders = files.SyncFolder(folder));
            return new FolderProbe
            {
                LongestFlush = _longest,
                FlushesFolders = flushesFolders,
                Links = Try(() => files.Link(folder, Second, folder, First)),
                FoldsCase = files.Stat(folder, Second.ToUpperInvariant()) is not null,
                TakesLongNames = Try(() => Make(new string('n', LongName))),
            };
        }

        private bool Make(string name)
        {
            using var file = files.CreateFile(folder, name);
            return file is not null;
        }

        private void Time(Action flush)
        {
            var began = time.GetTimestamp();
            flush();
            var took = time.GetElapsedTime(began);
            _longest = took > _longest ? took : _longest;
        }

        private static bool Try(Func<bool> action)
        {
            try
            {
                return action();
            }
            catch (StorageException)
            {
                return false;
            }
        }
    }
}
