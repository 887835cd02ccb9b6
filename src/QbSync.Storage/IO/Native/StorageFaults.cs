using System.ComponentModel;

namespace QbSync.Storage.IO.Native;

/// <summary>From an error number to the fault that it means to storage. The only place that decides by error numbers of Linux.</summary>
internal static class StorageFaults
{
    /// <summary>The exception for a call that failed.</summary>
    /// <param name="errno">The system's error number.</param>
    /// <param name="action">What was tried, to follow "Cannot".</param>
    /// <param name="subject">The path, name or kind of file it was tried on.</param>
    public static StorageException Create(int errno, string action, string subject)
    {
        var cause = new Win32Exception(errno);
        return new StorageException(GetFault(errno), $"Cannot {action} '{subject}': {cause.Message}.", cause);
    }

    /// <summary>Whether the process or the system has no descriptor left.</summary>
    public static bool IsOutOfDescriptors(StorageException exception) =>
        exception.InnerException is Win32Exception { NativeErrorCode: Errno.TooManyOpen or Errno.TooManyOpenInSystem };

    /// <summary>Whether the file system takes no writes at all, most often since it found itself damaged.</summary>
    public static bool IsReadOnly(StorageException exception) => exception.InnerException is Win32Exception { NativeErrorCode: Errno.ReadOnly };

    private static StorageFault GetFault(int errno) => errno switch
    {
        Errno.NoSpace or Errno.Quota => StorageFault.NoSpace,
        Errno.Exists or Errno.NotEmpty => StorageFault.PathConflict,
        Errno.Loop or Errno.NotFolder or Errno.CrossDevice or Errno.NameTooLong => StorageFault.PathRefused,
        Errno.NoEntry or Errno.NoAccess or Errno.NotPermitted or Errno.ReadOnly => StorageFault.NotUsable,
        _ => StorageFault.Io,
    };
}
