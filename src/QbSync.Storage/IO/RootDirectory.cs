namespace QbSync.Storage.IO;

/// <summary>
/// A folder that was configured, opened once. Everything below it is reached by walking from that handle and through no symbolic link, so no
/// name, and no change of the tree meanwhile, leads out of it. Thread-safe; who made it disposes it.
/// </summary>
internal sealed class RootDirectory : IDisposable
{
    private readonly FileHandle _handle;

    private RootDirectory(IFileSystem files, string path, FileHandle handle)
    {
        Files = files;
        Path = path;
        _handle = handle;
    }

    /// <summary>Where it is.</summary>
    public IFileSystem Files { get; }

    /// <summary>As a person named it; for messages, never for access.</summary>
    public string Path { get; }

    /// <summary>The folder itself.</summary>
    public FileHandle Handle => _handle;

    /// <summary>Opens a configured folder.</summary>
    /// <param name="files">Where it is.</param>
    /// <param name="path">Absolute path.</param>
    /// <param name="create">Whether to make it, and the folders that lead to it, when it is absent.</param>
    /// <exception cref="StorageException">It is absent, or no folder.</exception>
    public static RootDirectory Open(IFileSystem files, string path, bool create)
    {
        var handle = files.OpenRoot(path);
        if (handle is null && create)
        {
            CreateFolders(files, path);
            handle = files.OpenRoot(path);
        }

        return handle is not null
            ? new RootDirectory(files, path, handle)
            : throw new StorageException(StorageFault.NotUsable, $"The folder '{path}' does not exist.");
    }

    /// <summary>Whether the configured path still leads to the folder that was opened.</summary>
    public bool IsStillThere()
    {
        using var now = Files.OpenRoot(Path);
        return now is not null && Files.Stat(now).IsSameInode(Files.Stat(_handle));
    }

    /// <summary>Opens a folder below; null when it is absent.</summary>
    /// <exception cref="StorageException"><see cref="StorageFault.PathRefused"/> for a symbolic link or a non-folder on the way.</exception>
    public FileHandle? OpenFolder(ReadOnlySpan<string> parts) => Files.OpenFolder(_handle, Join(parts));

    /// <summary>Opens a folder below and makes what is missing on the way, each durable in its parent.</summary>
    /// <param name="parts">The folder; none for the root itself.</param>
    /// <param name="created">Receives how many leading parts each made folder has, outermost first.</param>
    public FileHandle EnsureFolder(ReadOnlySpan<string> parts, ICollection<int>? created = null)
    {
        if (OpenFolder(parts) is { } present)
        {
            return present;
        }

        for (var count = 1; count <= parts.Length; count++)
        {
            using var parent = OpenFolder(parts[..(count - 1)])
                ?? throw new StorageException(StorageFault.Io, $"A folder on the way to '{Describe(parts)}' was removed just now.");
            if (Files.Stat(parent, parts[count - 1]) is null && Files.MakeFolder(parent, parts[count - 1]))
            {
                Files.SyncFolder(parent);
                created?.Add(count);
            }
        }

        return OpenFolder(parts) ?? throw new StorageException(StorageFault.Io, $"The folder '{Describe(parts)}' was removed just now.");
    }

    /// <summary>The path below, for messages.</summary>
    public string Describe(ReadOnlySpan<string> parts) => parts.IsEmpty ? Path : $"{Path.TrimEnd('/')}/{Join(parts)}";

    /// <inheritdoc />
    public void Dispose() => _handle.Dispose();

    private static string Join(ReadOnlySpan<string> parts)
    {
        foreach (var part in parts)
        {
            if (!SafePath.IsPart(part))
            {
                throw new StorageException(StorageFault.PathRefused, $"'{part}' is not the name of a folder.");
            }
        }

        return string.Join('/', parts);
    }

    private static void CreateFolders(IFileSystem files, string path)
    {
        var parent = System.IO.Path.GetDirectoryName(System.IO.Path.TrimEndingDirectorySeparator(path));
        if (parent is null)
        {
            return;
        }

        if (files.OpenRoot(parent) is { } present)
        {
            present.Dispose();
        }
        else
        {
            CreateFolders(files, parent);
        }

        using var handle = files.OpenRoot(parent);
        if (handle is not null && files.MakeFolder(handle, System.IO.Path.GetFileName(System.IO.Path.TrimEndingDirectorySeparator(path))))
        {
            files.SyncFolder(handle);
        }
    }
}
