using System.Globalization;
using System.Net;
using QbSync.Ports;
using QbSync.QBittorrent.Http;
using QbSync.QBittorrent.Models;
using QbSync.QBittorrent.Pipeline;

namespace QbSync.QBittorrent;

public sealed partial class QBittorrentClient
{
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
    public Task DeleteTorrentsAsync(IReadOnlyCollection<ClientTorrentId> ids, bool deleteFiles, CancellationToken cancellationToken)
    {
        var ofTorrents = ("hashes", TorrentIds.Join(ids));
        return SendAsync(
            ApiCalls.Change(ApiOperation.DeleteTorrents, "torrents/delete", ofTorrents, ("deleteFiles", deleteFiles ? "true" : "false")),
            cancellationToken);
    }

    private Task NamedByVersionAsync(
        ApiOperation operation, string path, string oldPath, IReadOnlyCollection<ClientTorrentId> ids, CancellationToken cancellationToken)
    {
        var request = ApiCalls.Post(path, ("hashes", TorrentIds.Join(ids)));
        var call = new ApiCall<bool>(
            operation,
            profile => (profile.SaysStop || !profile.Has(oldPath)) && profile.Has(path) ? request : request with { Path = oldPath },
            static (_, _) => true);
        return SendAsync(call, cancellationToken);
    }

    private TorrentClientException Unsupported(ApiOperation operation, string why) =>
        new(ClientFault.Unsupported, operation.ToString(), $"qBittorrent at {_url}: {why}.");
}
