using System.Security.Cryptography;
using QbSync.Ports;
using QbSync.QBittorrent.Models;
using QbSync.QBittorrent.Pipeline;
using QbSync.Torrents;

namespace QbSync.QBittorrent;

public sealed partial class QBittorrentTorrentClient
{
    private const int IndicesAtOnce = 500;

    /// <inheritdoc />
    public async ValueTask<AddTorrentOutcome> AddAsync(AddTorrentRequest request, CancellationToken cancellationToken)
    {
        var form = new AddTorrentForm
        {
            Torrent = request.Torrent,
            FileName = Convert.ToHexStringLower(SHA256.HashData(request.Torrent.Span)) + ".torrent",
            SavePath = request.SavePath,
            Category = request.Category,
            Tags = request.Tags,
            Layout = request.Layout,
            SkipCheck = request.SkipCheck,
        };
        try
        {
            return await _client.AddTorrentFromMemoryAsync(form, cancellationToken).ConfigureAwait(false);
        }
        catch (TorrentClientException failure) when (failure.Fault == ClientFault.OutcomeUnknown)
        {
            return AddTorrentOutcome.Unclear;
        }
    }

    /// <inheritdoc />
    public async ValueTask SelectAsync(
        ClientTorrentId id, IReadOnlyCollection<int> fileIndices, bool wanted, CancellationToken cancellationToken)
    {
        foreach (var batch in fileIndices.Chunk(IndicesAtOnce))
        {
            await _client.SetFilePriorityAsync(id, batch, wanted ? 1 : 0, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <inheritdoc />
    public async ValueTask RenameFileAsync(ClientTorrentId id, string oldPath, string newPath, CancellationToken cancellationToken) =>
        await _client.RenameFileAsync(id, oldPath, newPath, cancellationToken).ConfigureAwait(false);

    /// <inheritdoc />
    public async ValueTask RecheckAsync(ClientTorrentId id, CancellationToken cancellationToken) =>
        await _client.RecheckAsync([id], cancellationToken).ConfigureAwait(false);

    /// <inheritdoc />
    public async ValueTask StopAsync(IReadOnlyCollection<ClientTorrentId> ids, bool whileChecking, CancellationToken cancellationToken)
    {
        if (!whileChecking)
        {
            // A stop gives up the check, and with it every piece found so far.
            await GuardAsync(ApiOperation.Stop, ids, static status => status.State.IsChecking(), cancellationToken).ConfigureAwait(false);
        }

        foreach (var batch in Batches(ids))
        {
            await _client.StopAsync(batch, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <inheritdoc />
    public async ValueTask StartAsync(IReadOnlyCollection<ClientTorrentId> ids, bool force, CancellationToken cancellationToken)
    {
        if (!force)
        {
            // It would download over files that are there.
            await GuardAsync(
                ApiOperation.Resume,
                ids,
                static status => status.Side == TorrentSide.Downloading
                    || status.State is ClientTorrentState.MissingFiles or ClientTorrentState.Error,
                cancellationToken).ConfigureAwait(false);
        }

        foreach (var batch in Batches(ids))
        {
            await _client.ResumeAsync(batch, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <inheritdoc />
    public async ValueTask AddTagsAsync(
        IReadOnlyCollection<ClientTorrentId> ids, IReadOnlyCollection<string> tags, CancellationToken cancellationToken)
    {
        foreach (var batch in Batches(ids))
        {
            await _client.AddTagsAsync(batch, tags, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <inheritdoc />
    public async ValueTask RemoveTagsAsync(
        IReadOnlyCollection<ClientTorrentId> ids, IReadOnlyCollection<string> tags, CancellationToken cancellationToken)
    {
        foreach (var batch in Batches(ids))
        {
            await _client.RemoveTagsAsync(batch, tags, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <inheritdoc />
    public async ValueTask EnsureCategoryAsync(string name, CancellationToken cancellationToken)
    {
        try
        {
            await _client.CreateCategoryAsync(name, cancellationToken).ConfigureAwait(false);
        }
        catch (TorrentClientException failure) when (failure.Fault == ClientFault.Conflict)
        {
            // It exists, or its name is refused: one status for both.
            var known = await _client.GetCategoriesAsync(cancellationToken).ConfigureAwait(false);
            if (!known.ContainsKey(name))
            {
                throw new TorrentClientException(
                    ClientFault.Rejected, nameof(ApiOperation.CreateCategory), $"The client takes no category '{name}'.", failure, status: failure.Status);
            }
        }
    }

    /// <inheritdoc />
    public async ValueTask SetCategoryAsync(IReadOnlyCollection<ClientTorrentId> ids, string category, CancellationToken cancellationToken)
    {
        foreach (var batch in Batches(ids))
        {
            await _client.SetCategoryAsync(batch, category, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <inheritdoc />
    public async ValueTask SetLocationAsync(IReadOnlyCollection<ClientTorrentId> ids, string savePath, CancellationToken cancellationToken)
    {
        foreach (var batch in Batches(ids))
        {
            await _client.SetLocationAsync(batch, savePath, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <inheritdoc />
    public async ValueTask SetShareLimitsAsync(
        IReadOnlyCollection<ClientTorrentId> ids, ShareLimits limits, CancellationToken cancellationToken)
    {
        foreach (var batch in Batches(ids))
        {
            await _client.SetShareLimitsAsync(batch, limits, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <inheritdoc />
    public async ValueTask DeleteAsync(IReadOnlyCollection<ClientTorrentId> ids, bool withFiles, CancellationToken cancellationToken)
    {
        if (!withFiles)
        {
            await GuardUnselectedAsync(ids, cancellationToken).ConfigureAwait(false);
        }

        foreach (var batch in Batches(ids))
        {
            await _client.DeleteTorrentsAsync(batch, withFiles, cancellationToken).ConfigureAwait(false);
        }
    }

    // Before 4.5 a delete takes along what there is of files of priority 0, whole or not: they lie in a folder that it removes.
    private async ValueTask GuardUnselectedAsync(IReadOnlyCollection<ClientTorrentId> ids, CancellationToken cancellationToken)
    {
        var session = await _client.OpenSessionAsync(refresh: false, cancellationToken).ConfigureAwait(false);
        if (session.Profile.KeepsUnselectedFiles)
        {
            return;
        }

        foreach (var status in await GetAsync(ids, cancellationToken).ConfigureAwait(false))
        {
            var files = status.HasMetadata ? await GetFilesAsync(status.Id, cancellationToken).ConfigureAwait(false) : [];
            if (files.FirstOrDefault(static file => !file.Selected && file.Progress > 0) is { } file)
            {
                throw new TorrentClientException(
                    ClientFault.Unsupported,
                    nameof(ApiOperation.DeleteTorrents),
                    $"'{status.Name}' was not removed: qBittorrent {session.Version} would delete '{file.Path}' too, which is not selected (4.5.0 would not).");
            }
        }
    }

    private async ValueTask GuardAsync(
        ApiOperation operation,
        IReadOnlyCollection<ClientTorrentId> ids,
        Func<TorrentStatus, bool> forbids,
        CancellationToken cancellationToken)
    {
        foreach (var status in await GetAsync(ids, cancellationToken).ConfigureAwait(false))
        {
            if (forbids(status))
            {
                throw new TorrentClientException(
                    ClientFault.Conflict,
                    operation.ToString(),
                    $"{operation} of '{status.Name}' was not sent, since its state is '{status.RawState}'.");
            }
        }
    }
}
