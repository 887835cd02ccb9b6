using System.Globalization;
using System.Net;
using System.Text.Json;
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
        IReadOnlyCollection<ClientTorrentId>? ids, CancellationToken cancellationToken)
    {
        var path = ids is null ? "torrents/info" : "torrents/info?hashes=" + Uri.EscapeDataString(TorrentIds.Join(ids));
        var call = ApiCalls.Get(ApiOperation.GetTorrents, path, static (_, body) => AnswerReader.ReadTorrents(body));
        return await SendAsync(call with { Cost = ids is null ? CallCost.Heavy : CallCost.Light, LongAnswer = true }, cancellationToken)
            .ConfigureAwait(false);
    }

    /// <inheritdoc />
    public async Task<IReadOnlyList<FileRecord>> GetFilesInformationAsync(ClientTorrentId id, CancellationToken cancellationToken)
    {
        var path = "torrents/files?hash=" + TorrentIds.Check(id);
        var call = ApiCalls.Get(ApiOperation.GetFilesInformation, path, static (_, body) => AnswerReader.ReadFiles(body));
        return await SendAsync(call with { NamesTorrent = true, LongAnswer = true }, cancellationToken).ConfigureAwait(false);
    }

    /// <inheritdoc />
    public Task<PieceBitmap> GetTorrentPieceStatesAsync(ClientTorrentId id, int pieceCount, CancellationToken cancellationToken)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(pieceCount);
        var path = "torrents/pieceStates?hash=" + TorrentIds.Check(id);
        var call = ApiCalls.Get(ApiOperation.GetTorrentPieceStates, path, (_, body) => AnswerReader.ReadPieceStates(body, pieceCount));
        return SendAsync(call with { NamesTorrent = true, LongAnswer = true }, cancellationToken);
    }

    /// <inheritdoc />
    public Task<byte[]> ExportTorrentAsync(ClientTorrentId id, CancellationToken cancellationToken)
    {
        var path = "torrents/export?hash=" + TorrentIds.Check(id);
        var call = new ApiCall<byte[]>(
            ApiOperation.ExportTorrent,
            profile => profile.Exports ? new ApiRequest(path) : throw Unsupported(
                ApiOperation.ExportTorrent, $"WebAPI {profile.Version} cannot export a .torrent (2.8.18, qBittorrent 4.5.0, can)"),
            static (_, body) => body.Span is [(byte)'d', ..] ? body.ToArray() : throw new JsonException("The export is no .torrent."))
        {
            Cost = CallCost.Heavy,
            NamesTorrent = true,
            LongAnswer = true,
        };
        return SendAsync(call, cancellationToken);
    }

    /// <inheritdoc />
    public Task<AddTorrentOutcome> AddTorrentFromMemoryAsync(AddTorrentForm form, CancellationToken cancellationToken)
    {
        var body = AddTorrentBody.Encode(form);
        var call = new ApiCall<AddTorrentOutcome>(
            ApiOperation.AddTorrentFromMemory,
            _ => new ApiRequest("torrents/add", body, FormContent.MultipartType),
            AddTorrentBody.ReadAnswer)
        {
            Cost = CallCost.Heavy,
            Repeat = CallRepeat.Look,
            AlsoAccepted = [HttpStatusCode.Conflict, HttpStatusCode.UnsupportedMediaType],
        };
        return SendAsync(call, cancellationToken);
    }

    /// <inheritdoc />
    public Task StopAsync(IReadOnlyCollection<ClientTorrentId> ids, CancellationToken cancellationToken) =>
        NamedByVersionAsync(ApiOperation.Stop, "torrents/stop", "torrents/pause", ids, cancellationToken);

    /// <inheritdoc />
    public Task ResumeAsync(IReadOnlyCollection<ClientTorrentId> ids, CancellationToken cancellationToken) =>
        NamedByVersionAsync(ApiOperation.Resume, "torrents/start", "torrents/resume", ids, cancellationToken);

    /// <inheritdoc />
    public Task RecheckAsync(IReadOnlyCollection<ClientTorrentId> ids, CancellationToken cancellationToken) => SendAsync(
        ApiCalls.Change(ApiOperation.Recheck, "torrents/recheck", ("hashes", TorrentIds.Join(ids))) with { Repeat = CallRepeat.Look },
        cancellationToken);

    /// <inheritdoc />
    public Task SetFilePriorityAsync(
        ClientTorrentId id, IReadOnlyCollection<int> indices, int priority, CancellationToken cancellationToken)
    {
        var list = string.Join('|', indices.Select(static index => index.ToString(CultureInfo.InvariantCulture)));
        var call = ApiCalls.Change(
            ApiOperation.SetFilePriority,
            "torrents/filePrio",
            ("hash", TorrentIds.Check(id)),
            ("id", list),
            ("priority", priority.ToString(CultureInfo.InvariantCulture)));
        return SendAsync(call with { NamesTorrent = true }, cancellationToken);
    }

    /// <inheritdoc />
    public Task RenameFileAsync(ClientTorrentId id, string oldPath, string newPath, CancellationToken cancellationToken)
    {
        var request = ApiCalls.Post("torrents/renameFile", ("hash", TorrentIds.Check(id)), ("oldPath", oldPath), ("newPath", newPath));
        var call = new ApiCall<bool>(
            ApiOperation.RenameFile,
            profile => profile.RenamesByPath ? request : throw Unsupported(
                ApiOperation.RenameFile, $"WebAPI {profile.Version} cannot rename by path (2.8.1, qBittorrent 4.3.5, can)"),
            static (_, _) => true)
        {
            Repeat = CallRepeat.Look,
            NamesTorrent = true,
        };
        return SendAsync(call, cancellationToken);
    }

    /// <inheritdoc />
    public Task SetLocationAsync(IReadOnlyCollection<ClientTorrentId> ids, string location, CancellationToken cancellationToken)
    {
        // The server trims it, and would move to another folder than the one meant.
        if (location.Length == 0 || location.Trim() != location)
        {
            throw new ArgumentException($"'{location}' is empty or has white space at its ends.", nameof(location));
        }

        var call = ApiCalls.Change(ApiOperation.SetLocation, "torrents/setLocation", ("hashes", TorrentIds.Join(ids)), ("location", location));
        return SendAsync(call with { Repeat = CallRepeat.Look, NamesFolder = true }, cancellationToken);
    }

    /// <inheritdoc />
    public async Task<IReadOnlyList<TrackerRecord>> GetTrackersAsync(ClientTorrentId id, CancellationToken cancellationToken)
    {
        var call = ApiCalls.Get(
            ApiOperation.GetTrackers, "torrents/trackers?hash=" + TorrentIds.Check(id), static (_, body) => AnswerReader.ReadTrackers(body));
        return await SendAsync(call with { NamesTorrent = true, LongAnswer = true }, cancellationToken).ConfigureAwait(false);
    }

    private Task NamedByVersionAsync(
        ApiOperation operation, string path, string oldPath, IReadOnlyCollection<ClientTorrentId> ids, CancellationToken cancellationToken)
    {
        var request = ApiCalls.Post(path, ("hashes", TorrentIds.Join(ids)));
        var call = new ApiCall<bool>(
            operation, profile => profile.SaysStop ? request : request with { Path = oldPath }, static (_, _) => true);
        return SendAsync(call, cancellationToken);
    }

    private TorrentClientException Unsupported(ApiOperation operation, string why) =>
        new(ClientFault.Unsupported, operation.ToString(), $"qBittorrent at {_url}: {why}.");
}
