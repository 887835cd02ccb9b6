using QbSync.Ports;
using QbSync.Torrents;

namespace QbSync.Storage.FolderClient;

public sealed partial class FolderTorrentClient
{
    /// <inheritdoc />
    public async ValueTask<AddTorrentOutcome> AddAsync(AddTorrentRequest request, CancellationToken cancellationToken)
    {
        if (!Path.IsPathFullyQualified(request.SavePath) || request.SavePath.Trim() != request.SavePath)
        {
            throw new ArgumentException($"'{request.SavePath}' is no absolute path without white space at its ends.", nameof(request));
        }

        CheckTags(request.Tags);
        TorrentManifest manifest;
        try
        {
            manifest = TorrentManifest.Parse(request.Torrent);
        }
        catch (TorrentFormatException)
        {
            return AddTorrentOutcome.Refused;
        }

        return await RunAsync(nameof(AddAsync), () => Add(request, manifest), cancellationToken).ConfigureAwait(false);
    }

    private AddTorrentOutcome Add(AddTorrentRequest request, TorrentManifest manifest)
    {
        Scan();
        if (_torrents.ContainsKey(new ClientTorrentId(manifest.Id.ToString())))
        {
            return AddTorrentOutcome.Unclear;
        }

        EnsureCategory(request.Category);
        var now = _time.GetUtcNow();

        // The record first: a torrent that appears without one would be taken for one that a person dropped in, and started.
        _records.Write(manifest.Id, new FolderTorrentRecord
        {
            SavePath = request.SavePath,
            Layout = request.Layout,
            Category = request.Category,
            Tags = [.. request.Tags.Distinct(StringComparer.Ordinal)],
            Stopped = true,
            AddedAt = now,
            CompletedAt = request.SkipCheck ? now : null,
            Have = request.SkipCheck ? FolderTorrentRecord.Everything : "",
        });
        _records.WriteTorrent(manifest.Id, request.Torrent.Span);
        Scan();
        Save(static torrent => torrent.Unsaved.Request, mustSucceed: true);
        return AddTorrentOutcome.Taken;
    }

    private void EnsureCategory(string name)
    {
        _client ??= _records.ReadClient();
        if (name.Length > 0 && !_client.Categories.Contains(name))
        {
            _client = _client with { Categories = [.. _client.Categories, name] };
            _records.WriteClient(_client);
        }
    }

    private static void CheckTags(IEnumerable<string> tags)
    {
        foreach (var tag in tags)
        {
            if (string.IsNullOrWhiteSpace(tag) || tag.Contains(','))
            {
                throw new ArgumentException($"'{tag}' is no tag: it is empty or holds a comma.", nameof(tags));
            }
        }
    }
}
