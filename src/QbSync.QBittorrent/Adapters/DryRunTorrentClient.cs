using QbSync.Pieces;
using QbSync.Ports;
using QbSync.Torrents;

namespace QbSync.QBittorrent;

/// <summary>
/// A client that is only read: whatever would change something is <see cref="ClientFault.DryRun"/> and never reaches the client behind, which its maker
/// owns. With <see cref="QBittorrentOptions.ReadOnly"/> below it, not even a verb that was forgotten here could write.
/// </summary>
public sealed class DryRunTorrentClient(ITorrentClient client) : ITorrentClient
{
    /// <inheritdoc />
    public event Action<ClientAvailability>? AvailabilityChanged
    {
        add => client.AvailabilityChanged += value;
        remove => client.AvailabilityChanged -= value;
    }

    /// <inheritdoc />
    public ClientAvailability Availability => client.Availability;

    /// <inheritdoc />
    public ValueTask<ClientDescription> DescribeAsync(bool refresh, CancellationToken cancellationToken) =>
        client.DescribeAsync(refresh, cancellationToken);

    /// <inheritdoc />
    public ValueTask<ClientUpdate> PollAsync(IReadOnlyCollection<ClientTorrentId> watched, CancellationToken cancellationToken) =>
        client.PollAsync(watched, cancellationToken);

    /// <inheritdoc />
    public ValueTask<TorrentStatus?> FindAsync(InfoHash v1, InfoHash v2, CancellationToken cancellationToken) =>
        client.FindAsync(v1, v2, cancellationToken);

    /// <inheritdoc />
    public ValueTask<IReadOnlyList<TorrentStatus>> GetAsync(IReadOnlyCollection<ClientTorrentId> ids, CancellationToken cancellationToken) =>
        client.GetAsync(ids, cancellationToken);

    /// <inheritdoc />
    public ValueTask<IReadOnlyList<ClientFile>> GetFilesAsync(ClientTorrentId id, CancellationToken cancellationToken) =>
        client.GetFilesAsync(id, cancellationToken);

    /// <inheritdoc />
    public ValueTask<PieceBitmap> GetPiecesAsync(ClientTorrentId id, int pieceCount, CancellationToken cancellationToken) =>
        client.GetPiecesAsync(id, pieceCount, cancellationToken);

    /// <inheritdoc />
    public ValueTask<byte[]> GetManifestAsync(ClientTorrentId id, CancellationToken cancellationToken) =>
        client.GetManifestAsync(id, cancellationToken);

    /// <inheritdoc />
    public ValueTask<IReadOnlyList<TorrentTracker>> GetTrackersAsync(ClientTorrentId id, CancellationToken cancellationToken) =>
        client.GetTrackersAsync(id, cancellationToken);

    /// <inheritdoc />
    public ValueTask<IReadOnlyList<ClientLogLine>> GetLogAsync(CancellationToken cancellationToken) => client.GetLogAsync(cancellationToken);

    /// <inheritdoc />
    public ValueTask<AddTorrentOutcome> AddAsync(AddTorrentRequest request, CancellationToken cancellationToken) =>
        throw Unsent(nameof(AddAsync));

    /// <inheritdoc />
    public ValueTask SelectAsync(ClientTorrentId id, IReadOnlyCollection<int> fileIndices, bool wanted, CancellationToken cancellationToken) =>
        throw Unsent(nameof(SelectAsync));

    /// <inheritdoc />
    public ValueTask SetShareLimitsAsync(IReadOnlyCollection<ClientTorrentId> ids, ShareLimits limits, CancellationToken cancellationToken) =>
        throw Unsent(nameof(SetShareLimitsAsync));

    /// <inheritdoc />
    public ValueTask RenameFileAsync(ClientTorrentId id, string oldPath, string newPath, CancellationToken cancellationToken) =>
        throw Unsent(nameof(RenameFileAsync));

    /// <inheritdoc />
    public ValueTask RecheckAsync(ClientTorrentId id, CancellationToken cancellationToken) => throw Unsent(nameof(RecheckAsync));

    /// <inheritdoc />
    public ValueTask StopAsync(IReadOnlyCollection<ClientTorrentId> ids, bool whileChecking, CancellationToken cancellationToken) =>
        throw Unsent(nameof(StopAsync));

    /// <inheritdoc />
    public ValueTask StartAsync(IReadOnlyCollection<ClientTorrentId> ids, bool force, CancellationToken cancellationToken) =>
        throw Unsent(nameof(StartAsync));

    /// <inheritdoc />
    public ValueTask AddTagsAsync(IReadOnlyCollection<ClientTorrentId> ids, IReadOnlyCollection<string> tags, CancellationToken cancellationToken) =>
        throw Unsent(nameof(AddTagsAsync));

    /// <inheritdoc />
    public ValueTask RemoveTagsAsync(IReadOnlyCollection<ClientTorrentId> ids, IReadOnlyCollection<string> tags, CancellationToken cancellationToken) =>
        throw Unsent(nameof(RemoveTagsAsync));

    /// <inheritdoc />
    public ValueTask EnsureCategoryAsync(string name, CancellationToken cancellationToken) => throw Unsent(nameof(EnsureCategoryAsync));

    /// <inheritdoc />
    public ValueTask SetCategoryAsync(IReadOnlyCollection<ClientTorrentId> ids, string category, CancellationToken cancellationToken) =>
        throw Unsent(nameof(SetCategoryAsync));

    /// <inheritdoc />
    public ValueTask SetLocationAsync(IReadOnlyCollection<ClientTorrentId> ids, string savePath, CancellationToken cancellationToken) =>
        throw Unsent(nameof(SetLocationAsync));

    /// <inheritdoc />
    public ValueTask DeleteAsync(IReadOnlyCollection<ClientTorrentId> ids, bool withFiles, CancellationToken cancellationToken) =>
        throw Unsent(nameof(DeleteAsync));

    private static TorrentClientException Unsent(string verb)
    {
        verb = verb[..^"Async".Length];
        return new TorrentClientException(ClientFault.DryRun, verb, $"{verb} was not sent: dry run.");
    }
}
