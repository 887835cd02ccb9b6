using System.Runtime.InteropServices;
using QbSync.Storage.IO.Native;
using static QbSync.Storage.IO.Native.LinuxConstants;

namespace QbSync.Storage.IO;

/// <summary>Linux: openat2 beneath a folder where the kernel has it, else a walk that follows no link; everything relative to descriptors.</summary>
internal sealed partial class LinuxFileSystem : IFileSystem
{
    private const uint FileMode = 0x1b6; // rw for all; the umask of the process cuts it.
    private volatile bool _walkByParts;

    /// <summary>Makes it.</summary>
    /// <param name="without">Calls to do without from the start; else what this kernel, or a container's filter, refuses is found out.</param>
    public LinuxFileSystem(LinuxCalls without = LinuxCalls.None)
    {
        _walkByParts = without.HasFlag(LinuxCalls.OpenBeneath);
        _renameByLink = without.HasFlag(LinuxCalls.RenameNoReplace);
        _renameByPlaceholder = without.HasFlag(LinuxCalls.Link);
    }

    /// <summary>The file system of this machine.</summary>
    /// <exception cref="PlatformNotSupportedException">Not a 64-bit Linux on x64 or arm64.</exception>
    public static IFileSystem Create() =>
        OperatingSystem.IsLinux() && RuntimeInformation.ProcessArchitecture is Architecture.X64 or Architecture.Arm64
            ? new LinuxFileSystem()
            : throw new PlatformNotSupportedException("QbSync keeps files on Linux (x64 or arm64) only so far.");

    /// <inheritdoc />
    public FileHandle? OpenRoot(string path)
    {
        var descriptor = LibC.OpenAt(AtFdCwd, path, LinuxConstants.Directory | CloseOnExec, 0);
        return Wrap(descriptor, "open the folder", path);
    }

    /// <inheritdoc />
    public FileHandle? OpenFolder(FileHandle folder, string relativePath)
    {
        var path = relativePath.Length == 0 ? "." : relativePath;
        var flags = LinuxConstants.Directory | NoFollow | CloseOnExec;
        return _walkByParts ? Walk(folder, path, flags) : OpenBeneath(folder, path, flags);
    }

    /// <inheritdoc />
    public FileHandle? OpenFile(FileHandle folder, string name, bool writable)
    {
        // Without O_NONBLOCK the open of a pipe that somebody put there would wait for its other end.
        var flags = NoFollow | CloseOnExec | NonBlock | (writable ? ReadWrite : 0);
        var file = Wrap(LibC.OpenAt(folder, CheckName(name), flags, 0), "open", name);
        if (file is null || Stat(file).Kind == FileKind.File)
        {
            return file;
        }

        file.Dispose();
        throw new StorageException(StorageFault.PathRefused, $"'{name}' is not a regular file.");
    }

    /// <inheritdoc />
    public FileHandle? CreateFile(FileHandle folder, string name)
    {
        var descriptor = LibC.OpenAt(folder, CheckName(name), Create_ | NoFollow | CloseOnExec, FileMode);
        return descriptor < 0 && Marshal.GetLastPInvokeError() == Errno.Exists ? null : WrapPresent(descriptor, "create", name);
    }

    /// <inheritdoc />
    public bool TryLock(FileHandle file)
    {
        if (LibC.FLock(file, LockExclusiveNonBlocking) == 0)
        {
            return true;
        }

        var errno = Marshal.GetLastPInvokeError();
        return errno == Errno.Again ? false : throw StorageFaults.Create(errno, "lock", "the lock file");
    }

    private const int Create_ = LinuxConstants.Create | Exclusive | ReadWrite;

    private unsafe FileHandle? OpenBeneath(FileHandle folder, string path, int flags)
    {
        var how = new LibC.OpenHow { Flags = (ulong)flags, Resolve = ResolveBeneath };
        for (var attempt = 0; ; attempt++)
        {
            var descriptor = (int)LibC.OpenAt2(OpenAt2, folder, path, &how, sizeof(LibC.OpenHow));
            switch (descriptor < 0 ? Marshal.GetLastPInvokeError() : 0)
            {
                case Errno.Again when attempt < 16: // a rename elsewhere raced with the walk; openat2(2) asks to try again
                case Errno.Interrupted:
                    continue;
                case Errno.NoSuchCall or Errno.NotPermitted or Errno.Invalid: // an old kernel, or a container's filter
                    _walkByParts = true;
                    return Walk(folder, path, flags);
                default:
                    return Wrap(descriptor, "open the folder", path);
            }
        }
    }

    private static FileHandle? Walk(FileHandle folder, string path, int flags)
    {
        FileHandle? current = null;
        foreach (var part in path.Split('/'))
        {
            var next = Wrap(LibC.OpenAt(current ?? folder, part == "." ? part : CheckName(part), flags, 0), "open the folder", path, current);
            if (next is null)
            {
                return null;
            }

            current = next;
        }

        return current;
    }

    /// <summary>Null when absent; takes the parent of a walk out of use on every path.</summary>
    private static LinuxFileHandle? Wrap(int descriptor, string action, string subject, FileHandle? parent = null)
    {
        var errno = descriptor < 0 ? Marshal.GetLastPInvokeError() : 0;
        parent?.Dispose();
        return errno switch
        {
            0 => new LinuxFileHandle(descriptor),
            Errno.NoEntry => null,
            _ => throw StorageFaults.Create(errno, action, subject),
        };
    }

    private static LinuxFileHandle WrapPresent(int descriptor, string action, string subject) =>
        descriptor >= 0 ? new LinuxFileHandle(descriptor) : throw StorageFaults.Create(Marshal.GetLastPInvokeError(), action, subject);

    /// <summary>Names are single parts by contract; this is the last line that keeps it so.</summary>
    private static string CheckName(string name) => SafePath.IsPart(name)
        ? name
        : throw new StorageException(StorageFault.PathRefused, $"'{name}' is not the name of a file.");
}
