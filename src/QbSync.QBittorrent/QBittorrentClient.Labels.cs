using QbSync.Ports;
using QbSync.QBittorrent.Http;
using QbSync.QBittorrent.Json;
using QbSync.QBittorrent.Models;
using QbSync.QBittorrent.Pipeline;

namespace QbSync.QBittorrent;

public sealed partial class QBittorrentClient
{
    /// <inheritdoc />
    public Task AddTagsAsync(
        IReadOnlyCollection<ClientTorrentId> ids, IReadOnlyCollection<string> tags, CancellationToken cancellationToken) =>
        TagAsync(ApiOperation.AddTags, "torrents/addTags", ids, tags, cancellationToken);

    /// <inheritdoc />
    public Task RemoveTagsAsync(
        IReadOnlyCollection<ClientTorrentId> ids, IReadOnlyCollection<string> tags, CancellationToken cancellationToken) =>
        TagAsync(ApiOperation.RemoveTags, "torrents/removeTags", ids, tags, cancellationToken);

    /// <inheritdoc />
    public async Task<IReadOnlyDictionary<string, CategoryRecord>> GetCategoriesAsync(CancellationToken cancellationToken)
    {
        var call = ApiCalls.Get(
            ApiOperation.GetCategories,
            "torrents/categories",
            static (_, body) => AnswerReader.Read(body, QBittorrentJsonContext.Default.DictionaryStringCategoryRecord));
        return await SendAsync(call, cancellationToken).ConfigureAwait(false);
    }

    /// <inheritdoc />
    public Task CreateCategoryAsync(string name, CancellationToken cancellationToken)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        var call = ApiCalls.Change(ApiOperation.CreateCategory, "torrents/createCategory", ("category", name), ("savePath", ""));
        return SendAsync(call, cancellationToken);
    }

    /// <inheritdoc />
    public Task SetCategoryAsync(IReadOnlyCollection<ClientTorrentId> ids, string category, CancellationToken cancellationToken)
    {
        var ofTorrents = ("hashes", TorrentIds.Join(ids));
        return SendAsync(
            ApiCalls.Change(ApiOperation.SetCategory, "torrents/setCategory", ofTorrents, ("category", category)), cancellationToken);
    }

    private Task TagAsync(
        ApiOperation operation,
        string path,
        IReadOnlyCollection<ClientTorrentId> ids,
        IReadOnlyCollection<string> tags,
        CancellationToken cancellationToken)
    {
        TorrentIds.CheckTags(tags, none: false);
        var call = ApiCalls.Change(operation, path, ("hashes", TorrentIds.Join(ids)), ("tags", string.Join(',', tags)));
        return SendAsync(call, cancellationToken);
    }
}
