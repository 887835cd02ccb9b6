using QbSync.Pieces;
using QbSync.Ports;
using QbSync.Torrents;

namespace QbSync.Storage.FolderClient;

public sealed partial class FolderTorrentClient
{
    /// <inheritdoc />
    public async ValueTask<TorrentStatus?> FindAsync(InfoHash v1, InfoHash v2, CancellationToken cancellationToken) => await RunAsync(
        nameof(FindAsync),
        () =>
        {
            Scan();
            var torrent = _torrents.Values.FirstOrDefault(torrent => IsSame(torrent.Manifest, v1) || IsSame(torrent.Manifest, v2));
            return torrent is null ? null : GetFreshStatus([torrent], cancellationToken)[0];
        },
        cancellationToken).ConfigureAwait(false);

    /// <inheritdoc />
    public async ValueTask<IReadOnlyList<TorrentStatus>> GetAsync(IReadOnlyCollection<ClientTorrentId> ids, CancellationToken cancellationToken) =>
        await RunAsync(
            nameof(GetAsync),
            () =>
            {
                Scan();
                return GetFreshStatus([.. ids.Distinct().Where(_torrents.ContainsKey).Select(id => _torrents[id])], cancellationToken);
            },
            cancellationToken).ConfigureAwait(false);

    /// <inheritdoc />
    public async ValueTask<IReadOnlyList<ClientFile>> GetFilesAsync(ClientTorrentId id, CancellationToken cancellationToken) => await RunAsync(
        nameof(GetFilesAsync),
        () =>
        {
            Scan();
            return Get(id, nameof(GetFilesAsync)).GetFiles();
        },
        cancellationToken).ConfigureAwait(false);

    /// <inheritdoc />
    public async ValueTask<PieceBitmap> GetPiecesAsync(ClientTorrentId id, int pieceCount, CancellationToken cancellationToken) => await RunAsync(
        nameof(GetPiecesAsync),
        () =>
        {
            Scan();
            var have = Get(id, nameof(GetPiecesAsync)).Have;
            return have.Length == pieceCount
                ? have.Clone()
                : throw new TorrentClientException(
                    ClientFault.BrokenAnswer, nameof(GetPiecesAsync), $"The torrent {id} has {have.Length} pieces, not {pieceCount}.");
        },
        cancellationToken).ConfigureAwait(false);

    /// <inheritdoc />
    public async ValueTask<byte[]> GetManifestAsync(ClientTorrentId id, CancellationToken cancellationToken) => await RunAsync(
        nameof(GetManifestAsync),
        () =>
        {
            Scan();
            return File.ReadAllBytes(Get(id, nameof(GetManifestAsync)).TorrentPath);
        },
        cancellationToken).ConfigureAwait(false);

    /// <summary>There are no trackers: nothing is announced.</summary>
    public async ValueTask<IReadOnlyList<TorrentTracker>> GetTrackersAsync(ClientTorrentId id, CancellationToken cancellationToken) =>
        await RunAsync<IReadOnlyList<TorrentTracker>>(
            nameof(GetTrackersAsync),
            () =>
            {
                Scan();
                Get(id, nameof(GetTrackersAsync));
                return [];
            },
            cancellationToken).ConfigureAwait(false);

    /// <summary>There is no log but the program's own.</summary>
    public ValueTask<IReadOnlyList<ClientLogLine>> GetLogAsync(CancellationToken cancellationToken) => ValueTask.FromResult<IReadOnlyList<ClientLogLine>>([]);

    /// <summary>A check goes on while somebody waits for its end by reading, whether polls come or not.</summary>
    private List<TorrentStatus> GetFreshStatus(IReadOnlyList<FolderTorrent> torrents, CancellationToken cancellationToken)
    {
        Check(torrents.Where(static torrent => torrent.Record.Checking), cancellationToken);
        Save(static torrent => torrent.Unsaved.Request);
        return [.. torrents.Select(GetStatus)];
    }

    private static bool IsSame(TorrentManifest manifest, InfoHash hash) =>
        hash != InfoHash.None && (hash == manifest.V1 || hash == manifest.V2 || hash == manifest.V2.Truncated);
}
