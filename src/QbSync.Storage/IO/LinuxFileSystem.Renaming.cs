using System.Runtime.InteropServices;
using QbSync.Storage.IO.Native;
using static QbSync.Storage.IO.Native.LinuxConstants;

namespace QbSync.Storage.IO;

internal sealed partial class LinuxFileSystem
{
    private volatile bool _renameByLink;
    private volatile bool _renameByPlaceholder;

    /// <inheritdoc />
    public bool RenameNew(FileHandle folder, string name, FileHandle newFolder, string newName)
    {
        if (!_renameByLink)
        {
            if (LibC.RenameAt2(LinuxConstants.RenameAt2, folder, CheckName(name), newFolder, CheckName(newName), RenameNoReplace) == 0)
            {
                return true;
            }

            switch (Marshal.GetLastPInvokeError())
            {
                case Errno.Exists:
                    return false;
                case Errno.NoSuchCall:
                    _renameByLink = true;
                    break;
                case Errno.Invalid or Errno.NotSupported or Errno.NotPermitted: // this file system, or a container's filter
                    break;
                case var errno:
                    throw StorageFaults.Create(errno, "rename", name);
            }
        }

        return _renameByPlaceholder
            ? RenameByPlaceholder(folder, name, newFolder, newName)
            : RenameByLink(folder, name, newFolder, newName);
    }

    /// <summary>link(2) does not replace either. A crash in between leaves both names of one file.</summary>
    private bool RenameByLink(FileHandle folder, string name, FileHandle newFolder, string newName)
    {
        if (LibC.LinkAt(folder, CheckName(name), newFolder, CheckName(newName), 0) == 0)
        {
            Unlink(folder, name);
            return true;
        }

        return Marshal.GetLastPInvokeError() switch
        {
            Errno.Exists => false,
            Errno.NotPermitted or Errno.NotSupported or Errno.NoSuchCall or Errno.TooManyLinks => RenameByPlaceholder(folder, name, newFolder, newName),
            var errno => throw StorageFaults.Create(errno, "rename", name),
        };
    }

    /// <summary>
    /// Without links nothing but an exclusive creation tells whether a name is free; what then stands there is empty and ours, and may be replaced. A stranger who
    /// puts a file of the same name over it in the moment between is the one case that no call of such a file system can exclude; it is looked for.
    /// </summary>
    private bool RenameByPlaceholder(FileHandle folder, string name, FileHandle newFolder, string newName)
    {
        FileStat placeholder;
        using (var created = CreateFile(newFolder, newName))
        {
            if (created is null)
            {
                return false;
            }

            placeholder = Stat(created);
        }

        try
        {
            if (Stat(newFolder, newName) is not { } found || !found.IsSameInode(placeholder) || found.Length != 0)
            {
                return false;
            }

            if (LibC.RenameAt(folder, CheckName(name), newFolder, CheckName(newName)) == 0)
            {
                return true;
            }

            throw StorageFaults.Create(Marshal.GetLastPInvokeError(), "rename", name);
        }
        catch (StorageException)
        {
            if (Stat(newFolder, newName) is { Length: 0 } rest && rest.IsSameInode(placeholder))
            {
                Unlink(newFolder, newName);
            }

            throw;
        }
    }
}
