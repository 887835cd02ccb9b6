using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text;
using QbSync.Storage.IO.Native;
using static QbSync.Storage.IO.Native.LinuxConstants;

namespace QbSync.Storage.IO;

internal sealed partial class LinuxFileSystem
{
    private const uint FolderMode = 0x1ff;
    private const int StatXSize = 256;

    /// <inheritdoc />
    public FileStat Stat(FileHandle file) => TryStat(file, "", AtEmptyPath) ?? throw StorageFaults.Create(Errno.NoEntry, "look at", "an open file");

    /// <inheritdoc />
    public FileStat? Stat(FileHandle folder, string name) => TryStat(folder, CheckName(name), AtSymlinkNoFollow);

    /// <inheritdoc />
    public void RenameOver(FileHandle folder, string name, string newName)
    {
        if (LibC.RenameAt(folder, CheckName(name), folder, CheckName(newName)) != 0)
        {
            throw StorageFaults.Create(Marshal.GetLastPInvokeError(), "rename", name);
        }
    }

    /// <inheritdoc />
    public bool Link(FileHandle folder, string name, FileHandle newFolder, string newName) =>
        Succeeds(LibC.LinkAt(folder, CheckName(name), newFolder, CheckName(newName), 0), "link", name, Errno.Exists);

    /// <inheritdoc />
    public bool Unlink(FileHandle folder, string name) => Succeeds(LibC.UnlinkAt(folder, CheckName(name), 0), "remove", name, Errno.NoEntry);

    /// <inheritdoc />
    public bool MakeFolder(FileHandle folder, string name) =>
        Succeeds(LibC.MkDirAt(folder, CheckName(name), FolderMode), "create the folder", name, Errno.Exists);

    /// <inheritdoc />
    public bool RemoveFolder(FileHandle folder, string name) =>
        Succeeds(LibC.UnlinkAt(folder, CheckName(name), AtRemoveDir), "remove the folder", name, Errno.NoEntry, Errno.NotEmpty, Errno.Exists);

    /// <inheritdoc />
    public unsafe IReadOnlyList<string> List(FileHandle folder)
    {
        // A descriptor has one reading position, so a listing gets a descriptor of its own.
        using var own = OpenFolder(folder, "") ?? throw StorageFaults.Create(Errno.NoEntry, "list", "an open folder");
        var names = new List<string>();
        var buffer = new byte[32 * 1024];
        fixed (byte* start = buffer)
        {
            while (true)
            {
                var length = (int)LibC.GetDents64(LinuxConstants.GetDents64, own, start, buffer.Length);
                if (length <= 0)
                {
                    return length == 0 ? names : throw StorageFaults.Create(Marshal.GetLastPInvokeError(), "list", "a folder");
                }

                AddNames(buffer.AsSpan(0, length), names);
            }
        }
    }

    /// <inheritdoc />
    public long GetFreeBytes(FileHandle folder) => GetSpace(folder).Free;

    /// <summary>Bytes that an ordinary user may still write on the device of a folder, and its size.</summary>
    public static unsafe (long Free, long Total) GetSpace(FileHandle folder)
    {
        // struct statvfs on 64-bit Linux: block size, fragment size, blocks, free blocks, free blocks for us, ...
        var result = stackalloc ulong[32];
        return LibC.FStatVfs(folder, result) == 0
            ? (Bytes(result[4], result[1]), Bytes(result[2], result[1]))
            : throw StorageFaults.Create(Marshal.GetLastPInvokeError(), "ask for the free space of", "a folder");
    }

    private static long Bytes(ulong blocks, ulong size) => (long)UInt128.Min(blocks * (UInt128)size, long.MaxValue);

    /// <summary>struct linux_dirent64 of getdents64(2): inode, offset, length of the record, kind, name with a zero at its end.</summary>
    private static void AddNames(ReadOnlySpan<byte> records, List<string> names)
    {
        while (records.Length > 0)
        {
            var name = records[19..BinaryPrimitives.ReadUInt16LittleEndian(records[16..])];
            var text = Encoding.UTF8.GetString(name[..name.IndexOf((byte)0)]);
            records = records[BinaryPrimitives.ReadUInt16LittleEndian(records[16..])..];
            if (text is not ("." or ".."))
            {
                names.Add(text);
            }
        }
    }

    private static unsafe FileStat? TryStat(FileHandle folder, string path, int flags)
    {
        Span<byte> result = stackalloc byte[StatXSize];
        fixed (byte* start = result)
        {
            if (LibC.StatX(LinuxConstants.StatX, folder, path, flags, StatXBasic, start) != 0)
            {
                var errno = Marshal.GetLastPInvokeError();
                return errno == Errno.NoEntry ? null : throw StorageFaults.Create(errno, "look at", path);
            }
        }

        // struct statx of statx(2), the same on every architecture.
        var kind = (BinaryPrimitives.ReadUInt16LittleEndian(result[28..]) & 0xf000) switch
        {
            0x8000 => FileKind.File,
            0x4000 => FileKind.Folder,
            0xa000 => FileKind.SymbolicLink,
            _ => FileKind.Other,
        };
        return new FileStat(
            kind,
            ((ulong)BinaryPrimitives.ReadUInt32LittleEndian(result[136..]) << 32) | BinaryPrimitives.ReadUInt32LittleEndian(result[140..]),
            BinaryPrimitives.ReadUInt64LittleEndian(result[32..]),
            BinaryPrimitives.ReadUInt32LittleEndian(result[16..]),
            BinaryPrimitives.ReadInt64LittleEndian(result[40..]),
            (BinaryPrimitives.ReadInt64LittleEndian(result[112..]) * 1_000_000_000) + BinaryPrimitives.ReadUInt32LittleEndian(result[120..]));
    }

    private static bool Succeeds(int result, string action, string name, params ReadOnlySpan<int> expected)
    {
        if (result == 0)
        {
            return true;
        }

        var errno = Marshal.GetLastPInvokeError();
        return expected.Contains(errno) ? false : throw StorageFaults.Create(errno, action, name);
    }
}
