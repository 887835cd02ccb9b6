namespace QbSync.Storage.IO;

/// <summary>
/// The one sequence by which a small file is made or replaced so that a crash leaves the old or the new content whole: a temporary file beside it, written and
/// flushed, renamed over it, folder flushed.
/// </summary>
internal static class AtomicFile
{
    /// <summary>Start of the names of temporary files. What a crash leaves behind begins so, and may be removed by who owns the folder.</summary>
    public const string TemporaryPrefix = ".tmp-";

    /// <summary>Makes or replaces the file; durable when it returns. The caller lets nobody else write this name meanwhile.</summary>
    public static void Write(IFileSystem fileSystem, FileHandle folder, string name, ReadOnlySpan<byte> content)
    {
        var temporary = TemporaryPrefix + name;
        fileSystem.Unlink(folder, temporary);
        using (var file = fileSystem.CreateFile(folder, temporary)
            ?? throw new StorageException(StorageFault.PathConflict, $"Somebody else writes '{temporary}'."))
        {
            try
            {
                fileSystem.Write(file, content, 0);
                fileSystem.Sync(file);
            }
            catch (StorageException)
            {
                TryUnlink(fileSystem, folder, temporary);
                throw;
            }
        }

        fileSystem.RenameOver(folder, temporary, name);
        fileSystem.SyncFolder(folder);
    }

    /// <summary>As the other, for what is state: a failure is counted.</summary>
    public static void Write(IFileSystem fileSystem, FileHandle folder, string name, ReadOnlySpan<byte> content, StorageMetrics metrics)
    {
        try
        {
            Write(fileSystem, folder, name, content);
        }
        catch (StorageException)
        {
            metrics.StateSaveFailed();
            throw;
        }
    }

    /// <summary>The file's content, or null when it is absent.</summary>
    /// <exception cref="StorageException">It cannot be read, or is longer than <paramref name="maxLength"/>.</exception>
    public static byte[]? Read(IFileSystem fileSystem, FileHandle folder, string name, int maxLength)
    {
        using var file = fileSystem.OpenFile(folder, name, writable: false);
        if (file is null)
        {
            return null;
        }

        var length = fileSystem.Stat(file).Length;
        if (length > maxLength)
        {
            throw new StorageException(StorageFault.Io, $"'{name}' has {length} bytes, more than the {maxLength} that it may have.");
        }

        var content = new byte[length];
        return fileSystem.Read(file, content, 0) == content.Length
            ? content
            : throw new StorageException(StorageFault.Io, $"'{name}' became shorter while it was read.");
    }

    /// <summary>Makes a file, flushes it and removes it again, to see whether the device takes anything.</summary>
    public static void Probe(IFileSystem fileSystem, FileHandle folder, string name)
    {
        fileSystem.Unlink(folder, name);
        using (var file = fileSystem.CreateFile(folder, name)
            ?? throw new StorageException(StorageFault.PathConflict, $"Somebody else writes '{name}'."))
        {
            fileSystem.Write(file, "probe\n"u8, 0);
            fileSystem.Sync(file);
        }

        fileSystem.Unlink(folder, name);
        fileSystem.SyncFolder(folder);
    }

    private static void TryUnlink(IFileSystem fileSystem, FileHandle folder, string name)
    {
        try
        {
            fileSystem.Unlink(folder, name);
        }
        catch (StorageException)
        {
            // The write's failure is what matters; the next write of this name removes the rest.
        }
    }
}
