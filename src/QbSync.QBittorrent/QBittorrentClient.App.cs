using QbSync.QBittorrent.Json;
using QbSync.QBittorrent.Models;
using QbSync.QBittorrent.Pipeline;

namespace QbSync.QBittorrent;

public sealed partial class QBittorrentClient
{
    /// <inheritdoc />
    public Task<string> GetWebApiVersionAsync(CancellationToken cancellationToken) =>
        SendAsync(ApiCalls.GetWebApiVersion, cancellationToken);

    /// <inheritdoc />
    public Task<string> GetVersionAsync(CancellationToken cancellationToken) => SendAsync(ApiCalls.GetVersion, cancellationToken);

    /// <inheritdoc />
    public Task<BuildInfoRecord> GetBuildInfoAsync(CancellationToken cancellationToken) =>
        SendAsync(ApiCalls.GetBuildInfo, cancellationToken);

    /// <inheritdoc />
    public Task<AppPreferencesRecord> GetAppPreferencesAsync(CancellationToken cancellationToken) =>
        SendAsync(ApiCalls.GetAppPreferences, cancellationToken);

    /// <inheritdoc />
    public Task<MainDataRecord> GetMainDataAsync(long rid, CancellationToken cancellationToken)
    {
        var call = ApiCalls.Get(ApiOperation.GetMainData, $"sync/maindata?rid={rid}", static (_, body) => AnswerReader.ReadMainData(body));
        return SendAsync(call with { Cost = rid == 0 ? CallCost.Heavy : CallCost.Light, LongAnswer = true }, cancellationToken);
    }
}
