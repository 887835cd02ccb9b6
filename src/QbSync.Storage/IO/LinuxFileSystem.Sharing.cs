using System.Runtime.InteropServices;
using QbSync.Storage.IO.Native;

namespace QbSync.Storage.IO;

internal sealed partial class LinuxFileSystem
{
    private const ulong TmpFs = 0x01021994;
    private const ulong RamFs = 0x858458f6;

    // f_type of statfs(2): NFS, SMB, CIFS, SMB2, FUSE, 9P, AFS (two), Ceph, Coda, NCP, OCFS2, GFS2, VirtualBox shared folders.
    private static readonly ulong[] NetworkTypes =
    [
        0x6969, 0x517b, 0xff534d42, 0xfe534d42, 0x65735546, 0x01021997, 0x5346414f, 0x6b414653, 0x00c36400, 0x73757245, 0x564c, 0x7461636f, 0x01161970,
        0x786f4256,
    ];

    /// <inheritdoc />
    public bool TryClone(FileHandle source, FileHandle target)
    {
        var held = false;
        try
        {
            source.DangerousAddRef(ref held);
            while (LibC.IoControl(target, LinuxConstants.CloneInto, source.DangerousGetHandle()) != 0)
            {
                if (Marshal.GetLastPInvokeError() is Errno.NotSupported or Errno.CrossDevice or Errno.Invalid or Errno.NotForThisKind
                    or Errno.BadDescriptor or Errno.NoSuchCall or Errno.NotPermitted)
                {
                    return false;
                }

                RetryOrThrow("share the blocks of", "a file");
            }

            return true;
        }
        finally
        {
            if (held)
            {
                source.DangerousRelease();
            }
        }
    }

    /// <inheritdoc />
    public void DropCache(FileHandle file) => LibC.FAdvise(file, 0, 0, LinuxConstants.AdviceNotNeeded); // advice: that it is not taken is no failure

    /// <inheritdoc />
    public bool IsNetwork(FileHandle folder) => NetworkTypes.AsSpan().Contains(GetKind(folder));

    /// <inheritdoc />
    public bool IsMemory(FileHandle folder) => GetKind(folder) is TmpFs or RamFs;

    private static unsafe ulong GetKind(FileHandle folder)
    {
        // struct statfs on 64-bit Linux has 120 bytes; the type is the first word.
        var result = stackalloc ulong[32];
        return LibC.FStatFs(folder, result) == 0
            ? result[0] & uint.MaxValue
            : throw StorageFaults.Create(Marshal.GetLastPInvokeError(), "ask for the kind of", "a folder");
    }
}
