using System.Runtime.InteropServices;
using QbSync.Ports;

namespace QbSync.Storage.IO.Native;

/// <summary>statx(2) and realpath(3) of a path, with what is absent told from what the system does not tell. Linux only.</summary>
internal static unsafe partial class PathLook
{
    private const int TypeMask = 0xf000, RegularFile = 0x8000;
    private const int LongestPath = 4097; // PATH_MAX and its end
    private const uint Needed = 0x1 | 0x4 | 0x100 | 0x400; // type, links, inode, blocks
    private const int BlockBytes = 512;

    /// <summary>What stands at an absolute path.</summary>
    public static LocalPath At(string path)
    {
        var folder = Path.GetDirectoryName(path);
        var name = Path.GetFileName(path);
        if (string.IsNullOrEmpty(folder) || name is "" or "." or ".." || path.Contains('\0', StringComparison.Ordinal))
        {
            return new LocalPath(LocalPathKind.Unknown, path);
        }

        var buffer = stackalloc byte[LongestPath];
        if (RealPath(folder, buffer) == null)
        {
            return new LocalPath(IsAbsence(Marshal.GetLastPInvokeError()) ? LocalPathKind.Absent : LocalPathKind.Unknown, path);
        }

        var real = Path.Join(Marshal.PtrToStringUTF8((nint)buffer), name);
        if (real.Contains('\uFFFD', StringComparison.Ordinal))
        {
            return new LocalPath(LocalPathKind.Unknown, path); // A name that is no text: asked for by our text, it would seem to be absent.
        }

        // struct statx is the same on every architecture: mask at 0, links 16, mode 28, inode 32, blocks 48, device 136.
        Span<byte> answer = stackalloc byte[256];
        fixed (byte* pointer = answer)
        {
            if (StatX(LinuxConstants.StatX, LinuxConstants.AtFdCwd, real, LinuxConstants.AtSymlinkNoFollow, LinuxConstants.StatXBasic, pointer) != 0)
            {
                return new LocalPath(IsAbsence(Marshal.GetLastPInvokeError()) ? LocalPathKind.Absent : LocalPathKind.Unknown, real);
            }
        }

        var inode = MemoryMarshal.Read<ulong>(answer[32..]);
        if ((MemoryMarshal.Read<uint>(answer) & Needed) != Needed || inode == 0)
        {
            return new LocalPath(LocalPathKind.Unknown, real);
        }

        if ((MemoryMarshal.Read<ushort>(answer[28..]) & TypeMask) != RegularFile)
        {
            return new LocalPath(LocalPathKind.Other, real);
        }

        var device = (ulong)MemoryMarshal.Read<uint>(answer[136..]) << 32 | MemoryMarshal.Read<uint>(answer[140..]);
        var links = MemoryMarshal.Read<uint>(answer[16..]);
        var blocks = MemoryMarshal.Read<ulong>(answer[48..]);
        return new LocalPath(
            LocalPathKind.File, real, device, inode, links, (long)UInt128.Min((UInt128)blocks * BlockBytes, long.MaxValue));
    }

    /// <summary>A part of the way that is not there, or is a file: the path stands for nothing. Anything else was not told.</summary>
    private static bool IsAbsence(int errno) => errno is Errno.NoEntry or Errno.NotFolder;

    [LibraryImport("libc", EntryPoint = "syscall", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial nint StatX(nint number, int folder, string path, int flags, uint mask, byte* answer);

    [LibraryImport("libc", EntryPoint = "realpath", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial byte* RealPath(string path, byte* resolved);
}
