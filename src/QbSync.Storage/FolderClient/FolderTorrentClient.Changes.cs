using QbSync.Ports;

namespace QbSync.Storage.FolderClient;

public sealed partial class FolderTorrentClient
{
    /// <inheritdoc />
    public ValueTask SelectAsync(ClientTorrentId id, IReadOnlyCollection<int> fileIndices, bool wanted, CancellationToken cancellationToken) => ChangeAsync(
        nameof(SelectAsync),
        () =>
        {
            var torrent = Get(id, nameof(SelectAsync));
            var files = torrent.RealFiles().Select(static file => file.Index).ToList();
            if (fileIndices.Any(index => index < 0 || index >= files.Count))
            {
                throw new TorrentClientException(ClientFault.Rejected, nameof(SelectAsync), $"The torrent {id} has {files.Count} files.");
            }

            var chosen = fileIndices.Select(index => files[index]);
            int[] unwanted = [.. (wanted ? torrent.Record.Unwanted.Except(chosen) : torrent.Record.Unwanted.Union(chosen)).Order()];
            if (!unwanted.SequenceEqual(torrent.Record.Unwanted))
            {
                torrent.Change(torrent.Record with { Unwanted = unwanted });
                Conclude(torrent);
            }
        },
        cancellationToken);

    /// <inheritdoc />
    public ValueTask RecheckAsync(ClientTorrentId id, CancellationToken cancellationToken) =>
        ChangeAsync(nameof(RecheckAsync), () => BeginCheck(Get(id, nameof(RecheckAsync))), cancellationToken);

    /// <inheritdoc />
    public ValueTask StopAsync(IReadOnlyCollection<ClientTorrentId> ids, bool whileChecking, CancellationToken cancellationToken) => ChangeAllAsync(
        nameof(StopAsync),
        ids,
        torrent =>
        {
            if (torrent.Record.Checking && !whileChecking)
            {
                throw new TorrentClientException(
                    ClientFault.Conflict, nameof(StopAsync), $"The torrent {torrent.Id} is being checked; a stop would lose what was found.");
            }
        },
        torrent =>
        {
            torrent.Change(torrent.Record with { Stopped = true });
            if (torrent.Record.Checking)
            {
                AbandonCheck(torrent);
            }
        },
        cancellationToken);

    /// <inheritdoc />
    public ValueTask StartAsync(IReadOnlyCollection<ClientTorrentId> ids, bool force, CancellationToken cancellationToken) => ChangeAllAsync(
        nameof(StartAsync),
        ids,
        torrent =>
        {
            if (!force && !torrent.IsComplete && !torrent.Record.Checking)
            {
                throw new TorrentClientException(
                    ClientFault.Conflict, nameof(StartAsync), $"The torrent {torrent.Id} is {GetStatus(torrent).State}; it lacks content.");
            }
        },
        static torrent => torrent.Change(torrent.Record with { Stopped = false, MissingFiles = false }),
        cancellationToken);

    /// <inheritdoc />
    public ValueTask AddTagsAsync(IReadOnlyCollection<ClientTorrentId> ids, IReadOnlyCollection<string> tags, CancellationToken cancellationToken)
    {
        CheckTags(tags);
        return ChangeAllAsync(
            nameof(AddTagsAsync),
            ids,
            static _ => { },
            torrent => SetTags(torrent, [.. torrent.Record.Tags.Union(tags, StringComparer.Ordinal)]),
            cancellationToken);
    }

    /// <inheritdoc />
    public ValueTask RemoveTagsAsync(IReadOnlyCollection<ClientTorrentId> ids, IReadOnlyCollection<string> tags, CancellationToken cancellationToken)
    {
        CheckTags(tags);
        return ChangeAllAsync(
            nameof(RemoveTagsAsync),
            ids,
            static _ => { },
            torrent => SetTags(torrent, [.. torrent.Record.Tags.Except(tags, StringComparer.Ordinal)]),
            cancellationToken);
    }

    /// <inheritdoc />
    public ValueTask EnsureCategoryAsync(string name, CancellationToken cancellationToken)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(name);
        return ChangeAsync(nameof(EnsureCategoryAsync), () => EnsureCategory(name), cancellationToken);
    }

    /// <inheritdoc />
    public ValueTask SetCategoryAsync(IReadOnlyCollection<ClientTorrentId> ids, string category, CancellationToken cancellationToken) => ChangeAllAsync(
        nameof(SetCategoryAsync),
        ids,
        _ =>
        {
            _client ??= _records.ReadClient();
            if (category.Length > 0 && !_client.Categories.Contains(category))
            {
                throw new TorrentClientException(ClientFault.Conflict, nameof(SetCategoryAsync), $"There is no category '{category}'.");
            }
        },
        torrent =>
        {
            if (torrent.Record.Category != category)
            {
                torrent.Change(torrent.Record with { Category = category });
            }
        },
        cancellationToken);

    /// <summary>Keeps the limits and shows them; nothing is uploaded here, so none is ever reached.</summary>
    public ValueTask SetShareLimitsAsync(IReadOnlyCollection<ClientTorrentId> ids, ShareLimits limits, CancellationToken cancellationToken) => ChangeAllAsync(
        nameof(SetShareLimitsAsync),
        ids,
        static _ => { },
        torrent => torrent.Change(torrent.Record with
        {
            RatioLimit = limits.Ratio.ToNumber(),
            SeedingLimit = limits.SeedingMinutes.ToNumber(),
            InactiveLimit = limits.InactiveMinutes.ToNumber(),
        }),
        cancellationToken);

    private ValueTask ChangeAllAsync(
        string operation,
        IReadOnlyCollection<ClientTorrentId> ids,
        Action<FolderTorrent> check,
        Action<FolderTorrent> change,
        CancellationToken cancellationToken)
    {
        ArgumentOutOfRangeException.ThrowIfZero(ids.Count, nameof(ids));
        return ChangeAsync(
            operation,
            () =>
            {
                // All or none: a refusal that comes half way would leave the caller not knowing which.
                var torrents = ids.Select(id => Get(id, operation)).ToList();
                torrents.ForEach(check);
                torrents.ForEach(change);
            },
            cancellationToken);
    }

    private static void SetTags(FolderTorrent torrent, string[] tags)
    {
        if (tags.Length != torrent.Record.Tags.Count)
        {
            torrent.Change(torrent.Record with { Tags = tags });
        }
    }

    private static void BeginCheck(FolderTorrent torrent)
    {
        torrent.DropAll();
        torrent.Due.SetAll();
        Array.Clear(torrent.Looks);
        torrent.Change(torrent.Record with { Checking = true });
    }

    private static void AbandonCheck(FolderTorrent torrent)
    {
        torrent.DropAll();
        torrent.Due.SetComplement();
        torrent.Change(torrent.Record with { Checking = false, CompletedAt = null });
    }

    private void EndCheck(FolderTorrent torrent)
    {
        var wasComplete = torrent.Record.CompletedAt is not null;
        var isMissing = (wasComplete || torrent.Record.MissingFiles) && !_checker.HasFiles(torrent, whole: false);
        torrent.Change(torrent.Record with { Checking = false, MissingFiles = isMissing });
        if (isMissing)
        {
            Log.FilesMissing(_logger, torrent.Id, torrent.Record.SavePath);
        }

        if (!torrent.IsComplete)
        {
            torrent.Change(torrent.Record with { CompletedAt = null });
        }

        _reader.Forget(torrent.Manifest.Id);
    }
}
