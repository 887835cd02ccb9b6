using QbSync.Ports;
using QbSync.Storage.IO.Native;

namespace QbSync.Storage.IO;

/// <summary>The file systems of this machine. On anything but a 64-bit Linux it knows nothing, so that nobody acts on it. Stateless.</summary>
public sealed class LocalFiles : ILocalFiles
{
    /// <inheritdoc />
    public LocalPath Look(string path) => OperatingSystem.IsLinux() ? PathLook.At(path) : new LocalPath(LocalPathKind.Unknown, path);

    /// <inheritdoc />
    public LocalFileSystem? GetFileSystem(string folder)
    {
        if (!OperatingSystem.IsLinux())
        {
            return null;
        }

        try
        {
            var files = new LinuxFileSystem();
            using var handle = files.OpenRoot(folder);
            if (handle is null)
            {
                return null;
            }

            // Of one open folder, so that nothing that is mounted or unmounted in between mixes two devices.
            var device = files.Stat(handle).Device;
            var (free, total) = LinuxFileSystem.GetSpace(handle);
            return total > 0 ? new LocalFileSystem(device, free, total) : new LocalFileSystem(device, null, 0);
        }
        catch (StorageException)
        {
            return null;
        }
    }
}
