using System.Globalization;
using System.Text;

namespace QbSync.Storage.IO;

/// <summary>Holds a state folder for this process. Released by disposing and, by the kernel, with the process.</summary>
internal sealed class StateLock : IDisposable
{
    private const string Name = "lock";
    private readonly FileHandle _file;

    private StateLock(FileHandle file) => _file = file;

    /// <summary>Takes the lock of a folder.</summary>
    /// <param name="fileSystem">Where the folder is.</param>
    /// <param name="folder">The folder, open.</param>
    /// <param name="path">Its path, for the message.</param>
    /// <exception cref="StorageException"><see cref="StorageFault.Locked"/>, naming the process that holds it.</exception>
    public static StateLock Take(IFileSystem fileSystem, FileHandle folder, string path)
    {
        var file = fileSystem.CreateFile(folder, Name) ?? fileSystem.OpenFile(folder, Name, writable: true)
            ?? throw new StorageException(StorageFault.NotUsable, $"The lock file of the state folder '{path}' comes and goes.");
        try
        {
            if (!fileSystem.TryLock(file))
            {
                throw new StorageException(
                    StorageFault.Locked, $"The state folder '{path}' is in use by {ReadHolder(fileSystem, file)}; stop it or use another state folder.");
            }

            fileSystem.SetLength(file, 0);
            fileSystem.Write(file, Encoding.ASCII.GetBytes(Environment.ProcessId.ToString(CultureInfo.InvariantCulture) + "\n"), 0);
            return new StateLock(file);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <inheritdoc />
    public void Dispose() => _file.Dispose();

    private static string ReadHolder(IFileSystem fileSystem, FileHandle file)
    {
        Span<byte> text = stackalloc byte[16];
        var length = fileSystem.Read(file, text, 0);
        return int.TryParse(Encoding.ASCII.GetString(text[..length]).Trim(), CultureInfo.InvariantCulture, out var pid)
            ? $"process {pid}"
            : "another process";
    }
}
