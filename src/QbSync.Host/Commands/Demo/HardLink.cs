using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace QbSync.Host.Commands.Demo;

/// <summary>
/// A second name for a file, and whether two names are one file, asked of the system directly: link(2) and statx(2). Shares no code with what it proves.
/// </summary>
internal static partial class HardLink
{
    private const int AtCurrentFolder = -100;
    private const uint InodeWanted = 0x100;
    private const int StatxLength = 256, InodePlace = 32, DevicePlace = 136;

    /// <summary>False where the system or the file system has no hard links.</summary>
    public static bool TryCreate(string existing, string name) => OperatingSystem.IsLinux() && Link(existing, name) == 0;

    /// <summary>Device and inode; null where they cannot be had.</summary>
    public static (ulong Device, ulong Inode)? Identify(string path)
    {
        var buffer = new byte[StatxLength];
        return OperatingSystem.IsLinux() && Statx(AtCurrentFolder, path, 0, InodeWanted, buffer) == 0
            ? (Read(buffer, DevicePlace), Read(buffer, InodePlace))
            : null;
    }

    private static ulong Read(byte[] buffer, int place) =>
        BitConverter.IsLittleEndian ? BinaryPrimitives.ReadUInt64LittleEndian(buffer.AsSpan(place)) : BinaryPrimitives.ReadUInt64BigEndian(buffer.AsSpan(place));

    [LibraryImport("libc", EntryPoint = "link", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    private static partial int Link(string existing, string name);

    [LibraryImport("libc", EntryPoint = "statx", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    private static partial int Statx(int folder, string path, int flags, uint wanted, [Out] byte[] result);
}
