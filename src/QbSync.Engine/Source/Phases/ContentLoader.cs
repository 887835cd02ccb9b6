using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Security.Cryptography;
using QbSync.Engine.Shared;
using QbSync.Engine.Source.Planning;
using QbSync.Engine.Source.Tracking;
using QbSync.Engine.Status;
using QbSync.Pieces;
using QbSync.Ports;
using QbSync.Torrents;

namespace QbSync.Engine.Source.Phases;

/// <summary>Asks the client what a torrent is and where it lies, and looks which of the folders it named holds it. Thread-safe.</summary>
internal sealed class ContentLoader(ITorrentClient client, IPieceReader reader, Live<SourceOptions> options, MonotonicClock clock)
{
    private static readonly TimeSpan CallTimeout = TimeSpan.FromMinutes(2);

    // Exported ones whose torrent is not open yet: what is tried again must not be exported again.
    private readonly ConcurrentDictionary<ClientTorrentId, (TorrentManifest Manifest, byte[] Torrent)> _exported = new();

    /// <param name="known">The manifest, when this process has it: it is asked for once.</param>
    public async Task<ContentOutcome> LoadAsync(TorrentStatus status, TorrentManifest? known, CancellationToken cancellationToken)
    {
        var description = await Bound(client.DescribeAsync(refresh: false, cancellationToken), cancellationToken).ConfigureAwait(false);
        var (problemOf, manifest, torrent) = await LoadManifestAsync(status, known, cancellationToken).ConfigureAwait(false);
        if (manifest is null)
        {
            return problemOf!;
        }

        var files = await Bound(client.GetFilesAsync(status.Id, cancellationToken), cancellationToken).ConfigureAwait(false);
        if (TorrentLayout.TryCreate(status, manifest, files, description, out var problem) is not { } layout)
        {
            return new ContentOutcome.NotReady(WaitingReason.Client, FaultClass.Permanent, $"{problem} (layout)");
        }

        return Place(status, layout, new PathMap(options.Current, description), torrent, Digest(files));
    }

    /// <summary>Digest of sizes and priorities in the client's list: as long as it is the same, so is the selection.</summary>
    public async Task<byte[]> DigestFilesAsync(ClientTorrentId id, CancellationToken cancellationToken) =>
        Digest(await Bound(client.GetFilesAsync(id, cancellationToken), cancellationToken).ConfigureAwait(false));

    /// <summary>What the user's lists need to know of a torrent; the outcome is set when that cannot be had.</summary>
    public async Task<(ContentOutcome.NotReady? NotReady, TorrentTraits? Traits)> InspectAsync(
        TorrentStatus status, SyncFilter filter, CancellationToken cancellationToken)
    {
        var isPrivate = false;
        if (filter.NeedsManifest)
        {
            var (problem, manifest, _) = await LoadManifestAsync(status, known: null, cancellationToken).ConfigureAwait(false);
            if (manifest is null)
            {
                return (problem, null);
            }

            isPrivate = manifest.IsPrivate;
        }

        IReadOnlyList<TorrentTracker> trackers = filter.NeedsTrackers
            ? await Bound(client.GetTrackersAsync(status.Id, cancellationToken), cancellationToken).ConfigureAwait(false)
            : [];
        return (null, new TorrentTraits(isPrivate, [.. trackers.Select(static tracker => HostOf(tracker.Url)).Where(static host => host.Length > 0)]));
    }

    /// <summary>Drops what was kept of a torrent that is open, or gone.</summary>
    public void Forget(ClientTorrentId id) => _exported.TryRemove(id, out _);

    /// <summary>User's tags: none of those that steer us.</summary>
    public TorrentParameters ParametersOf(TorrentStatus status) => new()
    {
        Category = status.Category,
        Tags = [.. status.Tags.Where(IsUserTag).Order(StringComparer.Ordinal)],
        AddedAt = status.AddedAt,
        CompletedAt = status.CompletedAt,
        Limits = status.Limits.After(status.Ratio, status.SeedingTime ?? TimeSpan.Zero),
    };

    private async Task<(ContentOutcome.NotReady? NotReady, TorrentManifest? Manifest, byte[]? Torrent)> LoadManifestAsync(
        TorrentStatus status, TorrentManifest? known, CancellationToken cancellationToken)
    {
        var (cached, torrent) = _exported.GetValueOrDefault(status.Id);
        known ??= cached;
        try
        {
            torrent = known is null ? await Bound(client.GetManifestAsync(status.Id, cancellationToken), cancellationToken).ConfigureAwait(false) : torrent;
        }
        catch (TorrentClientException e) when (e.Fault == ClientFault.Unsupported)
        {
            // No fault of the torrent: it waits until somebody tells where its .torrent is.
            return (new ContentOutcome.NotReady(WaitingReason.Metadata, null, e.Message), null, null);
        }

        TorrentManifest manifest;
        try
        {
            manifest = known ?? TorrentManifest.Parse(torrent);
        }
        catch (TorrentFormatException e)
        {
            // A malformed answer may be an error page of a client under load; what is well formed and beyond us stays so.
            var fault = e.Reason == TorrentFormatReason.Malformed ? FaultClass.TransientClient : FaultClass.Permanent;
            return (new ContentOutcome.NotReady(WaitingReason.Metadata, fault, $"The .torrent that the client exports is not usable: {e.Message}"), null, null);
        }

        if (!IsOf(manifest, status))
        {
            return (new ContentOutcome.NotReady(
                WaitingReason.Metadata, FaultClass.Permanent, $"The client exports a .torrent of another torrent, {manifest.Id} (manifest)."), null, null);
        }

        if (torrent is not null)
        {
            _exported[status.Id] = (manifest, torrent);
        }

        return (null, manifest, torrent);
    }

    private static string HostOf(string url) => Uri.TryCreate(url, UriKind.Absolute, out var tracker) ? tracker.Host : "";

    private ContentOutcome Place(TorrentStatus status, TorrentLayout layout, PathMap map, byte[]? torrent, byte[] clientFiles)
    {
        List<string> folders = [];
        Dictionary<string, string[]> inClientsWords = [];
        foreach (var folder in layout.BaseFolders)
        {
            if (map.ToLocal(folder) is { } local && inClientsWords.TryAdd(local, folder))
            {
                folders.Add(local);
            }
        }

        if (folders.Count == 0)
        {
            return Route(layout.BaseFolders[0]);
        }

        var location = Found(new ContentLocation(layout.Manifest, folders, layout.FileNames, layout.PartFileNames), layout.Selection);
        var finalFolder = layout.GetFinalFolder(inClientsWords[location.BaseFolders[0]]);
        if (map.ToSubPath(finalFolder) is not { } subPath || (subPath.Length > 0 && !ClientPath.IsSafe(subPath)))
        {
            return Route(finalFolder);
        }

        var content = new TorrentContent(
            layout.Manifest,
            layout,
            new PieceLayout(layout.Manifest, layout.Selection),
            location,
            new Place("", subPath, layout.ContentLayout),
            ParametersOf(status));
        return new ContentOutcome.Ready(content with { Torrent = torrent, ClientFiles = clientFiles });
    }

    private static byte[] Digest(IReadOnlyList<ClientFile> files)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Span<byte> entry = stackalloc byte[9];
        foreach (var file in files)
        {
            BinaryPrimitives.WriteInt64LittleEndian(entry, file.Size);
            entry[8] = file.Selected ? (byte)1 : (byte)0;
            hash.AppendData(entry);
        }

        return hash.GetHashAndReset();
    }

    private static ContentOutcome.NotReady Route(string[] folder) => new(
        WaitingReason.Route,
        null,
        $"The client keeps it in '/{string.Join('/', folder)}', which no path-map (or data) covers. Add it to path-map.");

    /// <summary>The disk decides which folder comes first: the one that holds a selected file.</summary>
    private ContentLocation Found(ContentLocation location, Selection selection)
    {
        foreach (var folder in location.BaseFolders)
        {
            var here = location with { BaseFolders = [folder] };
            foreach (var file in location.Manifest.Files)
            {
                if (file.Length > 0 && selection.IsSelected(file.Index) && reader.Identify(here, file.Index) is not null)
                {
                    return location with { BaseFolders = [folder, .. location.BaseFolders.Where(other => other != folder)] };
                }
            }
        }

        return location;
    }

    private bool IsUserTag(string tag) =>
        tag != options.Current.SyncedTag && tag != options.Current.SyncFailedTag && tag != options.Current.SourceRemovedTag && tag != options.Current.ExcludeSyncTag
        && tag != options.Current.Handoff.ExcludeCleanupTag;

    private static bool IsOf(TorrentManifest manifest, TorrentStatus status)
    {
        var v1 = status.V1.Length == 0 || status.V1 == manifest.V1 || status.V1 == manifest.V2.Truncated;
        var v2 = status.V2.Length == 0 || status.V2 == manifest.V2 || status.V2 == manifest.V2.Truncated;
        return v1 && v2;
    }

    private Task<T> Bound<T>(ValueTask<T> call, CancellationToken cancellationToken) =>
        call.AsTask().WaitAsync(CallTimeout, clock.Provider, cancellationToken);
}
