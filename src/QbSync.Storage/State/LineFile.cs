using QbSync.Storage.IO;

namespace QbSync.Storage.State;

/// <summary>
/// A file that lines are added to: <c>NAME.EXT</c>, and before it <c>NAME.1.EXT</c> to <c>NAME.7.EXT</c>, the oldest last. One writer; not thread-safe. Holds no
/// descriptor between calls.
/// </summary>
/// <param name="most">Bytes of one file.</param>
internal sealed class LineFile(IFileSystem files, string name, long most = 64L << 20)
{
    private const int Kept = 8;

    /// <summary>Adds a line; durable when it returns.</summary>
    /// <returns>Whether the file was made for it.</returns>
    public bool Append(FileHandle folder, ReadOnlySpan<byte> line)
    {
        if (files.Stat(folder, name) is { } before && before.Length > 0 && before.Length + line.Length + 1 > most)
        {
            Rotate(folder);
        }

        var isNew = false;
        using var file = files.OpenFile(folder, name, writable: true) ?? Create();
        var length = files.Stat(file).Length;

        // A crash may have left the line before without its end: the next one is whole all the same.
        var isTorn = length > 0 && !EndsLine(file, length);
        byte[] bytes = [.. isTorn ? "\n"u8 : [], .. line, (byte)'\n'];
        files.Write(file, bytes, length);
        files.Sync(file);
        if (isNew)
        {
            files.SyncFolder(folder);
        }

        return isNew;

        FileHandle Create()
        {
            isNew = true;
            return files.CreateFile(folder, name) ?? throw new StorageException(StorageFault.PathConflict, $"Somebody else writes '{name}'.");
        }
    }

    private bool EndsLine(FileHandle file, long length)
    {
        Span<byte> last = stackalloc byte[1];
        return files.Read(file, last, length - 1) == 1 && last[0] == (byte)'\n';
    }

    private void Rotate(FileHandle folder)
    {
        for (var i = Kept - 1; i >= 1; i--)
        {
            if (files.Stat(folder, NameOf(i - 1)) is not null)
            {
                files.RenameOver(folder, NameOf(i - 1), NameOf(i));
            }
        }

        files.SyncFolder(folder);
    }

    private string NameOf(int number) => number == 0 ? name : $"{Path.GetFileNameWithoutExtension(name)}.{number}{Path.GetExtension(name)}";
}
