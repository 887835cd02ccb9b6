using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using QbSync.Torrents;

namespace QbSync.Storage.IO.Native;

/// <summary>
/// What the system says of a content file that is named by a path: statx(2) and realpath(3). Elsewhere than on Linux an identity without an inode,
/// which nothing relies on.
/// </summary>
internal static unsafe partial class PathStat
{
    private const int TypeMask = 0xf000, RegularFile = 0x8000;

    /// <summary>Identity of a regular file by name; null when nothing, a link, a folder or anything else stands there.</summary>
    public static FileIdentity? OfRegularFile(string path)
    {
        if (OperatingSystem.IsLinux())
        {
            return Ask(LinuxConstants.AtFdCwd, path, LinuxConstants.AtSymlinkNoFollow);
        }

        var file = new FileInfo(path);
        return file.Exists && file.LinkTarget is null ? Portable(file.Length, file.LastWriteTimeUtc) : null;
    }

    /// <summary>Identity of an open regular file.</summary>
    public static FileIdentity? OfHandle(SafeFileHandle handle)
    {
        if (!OperatingSystem.IsLinux())
        {
            return Portable(RandomAccess.GetLength(handle), File.GetLastWriteTimeUtc(handle));
        }

        var held = false;
        try
        {
            handle.DangerousAddRef(ref held);
            return Ask((int)handle.DangerousGetHandle(), "", LinuxConstants.AtEmptyPath);
        }
        finally
        {
            if (held)
            {
                handle.DangerousRelease();
            }
        }
    }

    /// <summary>The path without any link, or null when it does not exist.</summary>
    public static string? Resolve(string path)
    {
        if (!OperatingSystem.IsLinux())
        {
            return Path.GetFullPath(path);
        }

        var buffer = stackalloc byte[4097]; // PATH_MAX and its end
        return RealPath(path, buffer) == null ? null : Marshal.PtrToStringUTF8((nint)buffer);
    }

    private static FileIdentity? Ask(int folder, string path, int flags)
    {
        // struct statx is the same on every architecture: mode at 28, inode 32, size 40, mtime 112, device 136.
        Span<byte> answer = stackalloc byte[256];
        fixed (byte* pointer = answer)
        {
            if (StatX(LinuxConstants.StatX, folder, path, flags, LinuxConstants.StatXBasic, pointer) != 0)
            {
                return null;
            }
        }

        if ((MemoryMarshal.Read<ushort>(answer[28..]) & TypeMask) != RegularFile)
        {
            return null;
        }

        var device = (ulong)MemoryMarshal.Read<uint>(answer[136..]) << 32 | MemoryMarshal.Read<uint>(answer[140..]);
        var modified = MemoryMarshal.Read<long>(answer[112..]) * 1_000_000_000 + MemoryMarshal.Read<uint>(answer[120..]);
        return new FileIdentity(device, MemoryMarshal.Read<ulong>(answer[32..]), MemoryMarshal.Read<long>(answer[40..]), modified);
    }

    private static FileIdentity Portable(long size, DateTime modified) => new(0, 0, size, (modified - DateTime.UnixEpoch).Ticks * 100);

    [LibraryImport("libc", EntryPoint = "syscall", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial nint StatX(nint number, int folder, string path, int flags, uint mask, byte* answer);

    [LibraryImport("libc", EntryPoint = "realpath", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial byte* RealPath(string path, byte* resolved);
}
