using System.Runtime.InteropServices;

namespace QbSync.Transport.Security;

/// <summary>
/// Small files that only their owner may touch: identities, peers, an open pairing code. Written so that a crash leaves the old or the new content whole.
/// </summary>
internal static partial class PrivateFile
{
    private const int Longest = 4 << 20;
    private const int OpenForReading = 0x80000; // O_RDONLY | O_CLOEXEC, open(2)
    private const int Exists = 17; // EEXIST
    private const UnixFileMode Owner = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    private const UnixFileMode WrittenByOthers = UnixFileMode.GroupWrite | UnixFileMode.OtherWrite;

    private const UnixFileMode ReadByOthers = WrittenByOthers | UnixFileMode.GroupRead | UnixFileMode.OtherRead;

    private static int _written;

    /// <summary>The file's content, or null when it is absent.</summary>
    /// <param name="isSecret">Others may not even read it.</param>
    /// <exception cref="TrustException">It cannot be read, is too long, or is open to others.</exception>
    public static byte[]? Read(string path, bool isSecret)
    {
        try
        {
            using var file = File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            if (!OperatingSystem.IsWindows() && (File.GetUnixFileMode(file) & (isSecret ? ReadByOthers : WrittenByOthers)) != 0)
            {
                throw new TrustException(
                    TrustFault.OpenToOthers, path, $"{path} can be {(isSecret ? "read" : "changed")} by others than its owner: chmod 600 {path}");
            }

            var length = RandomAccess.GetLength(file);
            if (length > Longest)
            {
                throw new TrustException(TrustFault.Malformed, path, $"{path} has {length} bytes, and at most {Longest} are read.");
            }

            var content = new byte[length];
            var read = 0;
            while (read < content.Length && RandomAccess.Read(file, content.AsSpan(read), read) is > 0 and var count)
            {
                read += count;
            }

            return content[..read];
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or NotSupportedException)
        {
            throw new TrustException(TrustFault.Unreadable, path, $"{path} cannot be read: {e.Message}", e);
        }
    }

    /// <summary>Makes or replaces the file; durable when it returns. The caller lets nobody else write it meanwhile.</summary>
    public static void Write(string path, ReadOnlySpan<byte> content)
    {
        try
        {
            var temporary = WriteBeside(path, content);
            File.Move(temporary, path, overwrite: true);
            SyncFolder(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw NotWritable(path, e);
        }
    }

    /// <summary>Makes the file; false when somebody else made it first.</summary>
    public static bool TryCreate(string path, ReadOnlySpan<byte> content)
    {
        try
        {
            var temporary = WriteBeside(path, content);
            try
            {
                if (!TryLink(temporary, path))
                {
                    return false;
                }
            }
            finally
            {
                File.Delete(temporary);
            }

            SyncFolder(path);
            return true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw NotWritable(path, e);
        }
    }

    /// <summary>Removes the file, durably; none is fine.</summary>
    public static void Delete(string path)
    {
        try
        {
            File.Delete(path);
            SyncFolder(path);
        }
        catch (DirectoryNotFoundException)
        {
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw NotWritable(path, e);
        }
    }

    /// <summary>Makes the folder of a file, for its owner alone, when it is absent.</summary>
    public static void MakeFolder(string path)
    {
        if (OperatingSystem.IsWindows())
        {
            Directory.CreateDirectory(FolderOf(path));
        }
        else
        {
            Directory.CreateDirectory(FolderOf(path), Owner | UnixFileMode.UserExecute);
        }
    }

    // Of two makers one is told. File.Move without overwriting is no such thing: where it sees no file it renames over what came meanwhile.
    private static bool TryLink(string temporary, string path)
    {
        if (OperatingSystem.IsWindows())
        {
            try
            {
                File.Move(temporary, path, overwrite: false);
                return true;
            }
            catch (IOException) when (File.Exists(path))
            {
                return false;
            }
        }

        if (Link(temporary, path) == 0)
        {
            return true;
        }

        var error = Marshal.GetLastPInvokeError();
        return error == Exists ? false : throw new IOException(Marshal.GetPInvokeErrorMessage(error));
    }

    private static string WriteBeside(string path, ReadOnlySpan<byte> content)
    {
        MakeFolder(path);
        // Of its own for each writer in each process; what a crash left behind under this name is nobody's.
        var temporary = $"{path}.tmp-{Environment.ProcessId}-{Interlocked.Increment(ref _written)}";
        File.Delete(temporary);
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, Share = FileShare.None };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = Owner;
        }

        using var file = new FileStream(temporary, options);
        file.Write(content);
        file.Flush(flushToDisk: true);
        return temporary;
    }

    private static string FolderOf(string path) => Path.GetDirectoryName(Path.GetFullPath(path)) ?? path;

    private static TrustException NotWritable(string path, Exception error) =>
        new(TrustFault.NotWritable, path, $"{path} cannot be written: {error.Message}", error);

    /// <summary>A removed peer must stay removed after a power cut: the rename itself has to be on disk.</summary>
    private static void SyncFolder(string path)
    {
        if (!OperatingSystem.IsLinux())
        {
            return;
        }

        var folder = Open(FolderOf(path), OpenForReading);
        if (folder < 0)
        {
            throw new IOException($"{FolderOf(path)} cannot be opened: error {Marshal.GetLastPInvokeError()}.");
        }

        var result = Sync(folder);
        var error = Marshal.GetLastPInvokeError();
        _ = Close(folder);
        if (result < 0)
        {
            throw new IOException($"{FolderOf(path)} cannot be synced: error {error}.");
        }
    }

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "link", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Link(string existing, string made);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    private static partial int Sync(int descriptor);

    [LibraryImport("libc", EntryPoint = "close", SetLastError = true)]
    private static partial int Close(int descriptor);
}
