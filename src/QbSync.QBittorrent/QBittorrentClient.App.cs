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
    public async Task<IReadOnlyList<LogRecord>> GetLogAsync(LogLevels levels, long after, CancellationToken cancellationToken)
    {
        static string Wants(LogLevels levels, LogLevels level) => levels.HasFlag(level) ? "true" : "false";
        var path = $"log/main?normal={Wants(levels, LogLevels.Normal)}&info={Wants(levels, LogLevels.Info)}"
            + $"&warning={Wants(levels, LogLevels.Warning)}&critical={Wants(levels, LogLevels.Critical)}&last_known_id={after}";
        var call = ApiCalls.GetLong(ApiOperation.GetLog, path, AnswerReader.Log);
        return await SendAsync(call, cancellationToken).ConfigureAwait(false);
    }

    /// <inheritdoc />
    public async Task<MainDataRecord> GetMainDataAsync(long rid, CancellationToken cancellationToken) =>
        (await GetTimedMainDataAsync(rid, cancellationToken).ConfigureAwait(false)).Answer;

    /// <summary>With what it took, waits for a turn and for a retry left out.</summary>
    internal Task<(MainDataRecord Answer, TimeSpan Took)> GetTimedMainDataAsync(long rid, CancellationToken cancellationToken)
    {
        var call = ApiCalls.GetLong(ApiOperation.GetMainData, $"sync/maindata?rid={rid}", AnswerReader.MainData);
        return SendTimedAsync(call with { Cost = rid == 0 ? CallCost.Heavy : CallCost.Light }, cancellationToken);
    }
}
