using System.ComponentModel;
using QbSync.Storage.IO.Native;

namespace QbSync.Testing.FileSystems;

/// <summary>A call that is about to be made: its name as in <see cref="Storage.IO.IFileSystem"/>, and the path that it is about.</summary>
internal readonly record struct SimCall(string Operation, string Path, bool IsChange)
{
    /// <summary>Last part of the path.</summary>
    public string Name => Path[(Path.LastIndexOf('/') + 1)..];
}

/// <summary>Failures by their error numbers, made as the real file system makes them.</summary>
internal static class SimErrors
{
    public const int NotPermitted = 1, InputOutput = 5, CrossDevice = 18, TooManyOpen = 24, NoSpace = 28, ReadOnly = 30, TooManyLinks = 31, NameTooLong = 36,
        StaleHandle = 116, Quota = 122;

    public static StorageException Create(int errno, string path) => StorageFaults.Create(errno, "use", path);

    /// <summary>The error number of a failure, or 0.</summary>
    public static int NumberOf(StorageException exception) => (exception.InnerException as Win32Exception)?.NativeErrorCode ?? 0;
}
