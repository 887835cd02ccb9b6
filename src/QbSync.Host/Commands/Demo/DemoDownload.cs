namespace QbSync.Host.Commands.Demo;

/// <summary>Writes demo content to disk: at once, or as a download would, at a given speed.</summary>
internal static class DemoDownload
{
    private const int ChunkBytes = 256 * 1024;

    /// <summary>Writes every file of a torrent below <paramref name="folder"/>.</summary>
    public static async Task WriteAllAsync(DemoTorrent torrent, string folder, CancellationToken cancellationToken)
    {
        foreach (var file in torrent.Files)
        {
            await WriteAsync(file, Path.Combine(folder, file.Path), 0, TimeProvider.System, cancellationToken);
        }
    }

    /// <summary>Gives the file that two torrents share its second name; writes it anew and says false where that cannot be.</summary>
    public static async Task<bool> LinkOrWriteAsync(DemoTorrents torrents, string folder, CancellationToken cancellationToken)
    {
        if (HardLink.TryCreate(Path.Combine(folder, torrents.LinkedFile), Path.Combine(folder, torrents.Linked.Files[0].Path)))
        {
            return true;
        }

        await WriteAllAsync(torrents.Linked, folder, cancellationToken);
        return false;
    }

    /// <summary>Writes a file from its beginning to its end at <paramref name="bytesPerSecond"/>, 0 for as fast as it goes.</summary>
    public static async Task WriteAsync(DemoFile file, string path, long bytesPerSecond, TimeProvider time, CancellationToken cancellationToken)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        await using var output = new FileStream(path, FileMode.CreateNew, FileAccess.Write, FileShare.ReadWrite | FileShare.Delete, 1);
        var buffer = new byte[ChunkBytes];
        var started = time.GetTimestamp();
        for (long offset = 0; offset < file.Length; offset += buffer.Length)
        {
            var chunk = buffer.AsMemory(0, (int)Math.Min(buffer.Length, file.Length - offset));
            file.Content.Fill(offset, chunk.Span);
            await output.WriteAsync(chunk, cancellationToken);
            if (bytesPerSecond > 0)
            {
                var due = TimeSpan.FromSeconds((double)(offset + chunk.Length) / bytesPerSecond) - time.GetElapsedTime(started);
                if (due > TimeSpan.FromMilliseconds(5))
                {
                    await Task.Delay(due, time, cancellationToken);
                }
            }
        }
    }
}
