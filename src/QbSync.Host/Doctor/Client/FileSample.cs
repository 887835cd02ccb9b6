using QbSync.Torrents;

namespace QbSync.Host.Doctor.Client;

/// <summary>Takes a few of the client's complete torrents, spread over all of them.</summary>
internal static class FileSample
{
    private const int Most = 20;

    /// <summary>A file of each; none where the client lets nobody in or has no complete torrent.</summary>
    public static async Task<IReadOnlyList<SampledFile>> TakeAsync(DoctorPatient patient, CancellationToken cancellationToken)
    {
        if (await patient.FindClientAsync(cancellationToken) is not var (client, description) || await patient.PollAsync(cancellationToken) is not { } update)
        {
            return [];
        }

        var paths = patient.PathsOf(description);
        List<SampledFile> files = [];
        foreach (var torrent in Spread([.. update.Torrents.Where(static torrent => torrent.IsComplete && torrent.HasMetadata).OrderBy(static torrent => torrent.Id.Value, StringComparer.Ordinal)]))
        {
            var list = await client.GetFilesAsync(torrent.Id, cancellationToken);
            if (list.FirstOrDefault(static file => file is { Selected: true, Size: > 0, Progress: >= 1 }) is { } file)
            {
                var path = $"{torrent.SavePath.TrimEnd('/', '\\')}/{file.Path}";
                files.Add(new SampledFile(torrent, path, paths.Find(path), file.Size));
            }
        }

        return files;
    }

    /// <summary>Twenty at most, at equal distances.</summary>
    public static IEnumerable<TorrentStatus> Spread(IReadOnlyList<TorrentStatus> all) =>
        Enumerable.Range(0, Math.Min(Most, all.Count)).Select(index => all[(int)((long)index * all.Count / Math.Min(Most, all.Count))]);
}
