using QbSync.Pieces;
using QbSync.Ports;
using QbSync.QBittorrent.Http;
using QbSync.QBittorrent.Json;
using QbSync.QBittorrent.Models;
using QbSync.QBittorrent.Pipeline;

namespace QbSync.QBittorrent;

public sealed partial class QBittorrentClient
{
    /// <inheritdoc />
    public async Task<IReadOnlyList<TorrentRecord>> GetTorrentsAsync(
        IReadOnlyCollection<ClientTorrentId>? ids, CancellationToken cancellationToken) =>
        (await GetTimedTorrentsAsync(ids, cancellationToken).ConfigureAwait(false)).Answer;

    /// <summary>With what it took, waits for a turn and for a retry left out.</summary>
    internal Task<(List<TorrentRecord> Answer, TimeSpan Took)> GetTimedTorrentsAsync(
        IReadOnlyCollection<ClientTorrentId>? ids, CancellationToken cancellationToken)
    {
        var path = ids is null ? "torrents/info" : "torrents/info?hashes=" + Uri.EscapeDataString(TorrentIds.Join(ids));
        var call = ApiCalls.GetLong(ApiOperation.GetTorrents, path, AnswerReader.Torrents);
        return SendTimedAsync(call with { Cost = ids is null ? CallCost.Heavy : CallCost.Light }, cancellationToken);
    }

    /// <inheritdoc />
    public async Task<IReadOnlyList<FileRecord>> GetFilesInformationAsync(ClientTorrentId id, CancellationToken cancellationToken)
    {
        var path = "torrents/files?hash=" + TorrentIds.Check(id);
        var call = ApiCalls.GetLong(ApiOperation.GetFilesInformation, path, AnswerReader.Files);
        return await SendAsync(call with { NamesTorrent = true }, cancellationToken).ConfigureAwait(false);
    }

    /// <inheritdoc />
    public Task<PieceBitmap> GetTorrentPieceStatesAsync(ClientTorrentId id, int pieceCount, CancellationToken cancellationToken)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(pieceCount);
        var path = "torrents/pieceStates?hash=" + TorrentIds.Check(id);
        var call = ApiCalls.GetLong(ApiOperation.GetTorrentPieceStates, path, () => AnswerReader.PieceStates(pieceCount));
        return SendAsync(call with { NamesTorrent = true }, cancellationToken);
    }

    /// <inheritdoc />
    public Task<byte[]> ExportTorrentAsync(ClientTorrentId id, CancellationToken cancellationToken)
    {
        var path = "torrents/export?hash=" + TorrentIds.Check(id);
        var call = new ApiCall<byte[]>(
            ApiOperation.ExportTorrent,
            profile => profile.Exports ? new ApiRequest(path) : throw Unsupported(
                ApiOperation.ExportTorrent, $"WebAPI {profile.Version} cannot export a .torrent (2.8.18, qBittorrent 4.5.0, can)"),
            static (_, body) => StreamedAnswer.Read(body.Span, new ExportParser()))
        {
            Cost = CallCost.Heavy,
            NamesTorrent = true,
            LongAnswer = true,
            NewParser = static () => new ExportParser(),
        };
        return SendAsync(call, cancellationToken);
    }

    /// <inheritdoc />
    public async Task<IReadOnlyList<TrackerRecord>> GetTrackersAsync(ClientTorrentId id, CancellationToken cancellationToken)
    {
        var call = ApiCalls.GetLong(ApiOperation.GetTrackers, "torrents/trackers?hash=" + TorrentIds.Check(id), AnswerReader.Trackers);
        return await SendAsync(call with { NamesTorrent = true }, cancellationToken).ConfigureAwait(false);
    }

    /// <inheritdoc />
    public Task<TorrentPropertiesRecord> GetTorrentPropertiesAsync(ClientTorrentId id, CancellationToken cancellationToken)
    {
        var call = ApiCalls.Get(
            ApiOperation.GetTorrentProperties,
            "torrents/properties?hash=" + TorrentIds.Check(id),
            static (_, body) => AnswerReader.Read(body, QBittorrentJsonContext.Default.TorrentPropertiesRecord));
        return SendAsync(call with { NamesTorrent = true }, cancellationToken);
    }

    /// <inheritdoc />
    public async Task<IReadOnlyList<ReadOnlyMemory<byte>>> GetTorrentPieceHashesAsync(ClientTorrentId id, CancellationToken cancellationToken)
    {
        var path = "torrents/pieceHashes?hash=" + TorrentIds.Check(id);
        var call = ApiCalls.GetLong(ApiOperation.GetTorrentPieceHashes, path, AnswerReader.PieceHashes);
        return await SendAsync(call with { NamesTorrent = true }, cancellationToken).ConfigureAwait(false);
    }
}
