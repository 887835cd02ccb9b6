using System.Runtime.InteropServices;
using QbSync.Storage.IO.Native;

namespace QbSync.Storage.IO;

internal sealed partial class LinuxFileSystem
{
    /// <inheritdoc />
    public unsafe int Read(FileHandle file, Span<byte> destination, long offset)
    {
        var done = 0;
        fixed (byte* start = destination)
        {
            while (done < destination.Length)
            {
                var count = LibC.PRead(file, start + done, destination.Length - done, offset + done);
                if (count == 0)
                {
                    break;
                }

                done += count > 0 ? (int)count : RetryOrThrow("read", "a file");
            }
        }

        return done;
    }

    /// <inheritdoc />
    public unsafe void Write(FileHandle file, ReadOnlySpan<byte> source, long offset)
    {
        var done = 0;
        fixed (byte* start = source)
        {
            while (done < source.Length)
            {
                var count = LibC.PWrite(file, start + done, source.Length - done, offset + done);
                done += count >= 0 ? (int)count : RetryOrThrow("write", "a file");
            }
        }
    }

    /// <inheritdoc />
    public void SetLength(FileHandle file, long length)
    {
        while (LibC.FTruncate(file, length) != 0)
        {
            RetryOrThrow("set the length of", "a file");
        }
    }

    /// <inheritdoc />
    public bool TryAllocate(FileHandle file, long length)
    {
        while (LibC.FAllocate(file, 0, 0, length) != 0)
        {
            if (Marshal.GetLastPInvokeError() is Errno.NotSupported or Errno.NoSuchCall or Errno.Invalid)
            {
                return false;
            }

            RetryOrThrow("reserve space for", "a file");
        }

        return true;
    }

    /// <inheritdoc />
    public void Sync(FileHandle file)
    {
        while (LibC.FSync(file) != 0)
        {
            RetryOrThrow("flush", "a file");
        }
    }

    /// <inheritdoc />
    public void Close(FileHandle file)
    {
        file.Dispose();

        // Interrupted, it is closed all the same on Linux.
        if (((LinuxFileHandle)file).CloseError is not (0 or Errno.Interrupted) and var errno)
        {
            throw StorageFaults.Create(errno, "close", "a file");
        }
    }

    /// <inheritdoc />
    public bool SyncFolder(FileHandle folder)
    {
        while (LibC.FSync(folder) != 0)
        {
            if (Marshal.GetLastPInvokeError() is Errno.Invalid or Errno.NotSupported)
            {
                return false;
            }

            RetryOrThrow("flush", "a folder");
        }

        return true;
    }

    /// <summary>0 when a signal came between; else the failure.</summary>
    private static int RetryOrThrow(string action, string subject)
    {
        var errno = Marshal.GetLastPInvokeError();
        return errno == Errno.Interrupted ? 0 : throw StorageFaults.Create(errno, action, subject);
    }
}
