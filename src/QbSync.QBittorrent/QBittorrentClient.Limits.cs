using System.Globalization;
using QbSync.Ports;
using QbSync.QBittorrent.Http;
using QbSync.QBittorrent.Pipeline;

namespace QbSync.QBittorrent;

public sealed partial class QBittorrentClient
{
    /// <inheritdoc />
    public Task SetShareLimitsAsync(IReadOnlyCollection<ClientTorrentId> ids, ShareLimits limits, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(limits);

        // Each version refuses a form that lacks one of the fields that it knows, and ignores the others.
        var call = ApiCalls.Change(
            ApiOperation.SetShareLimits,
            "torrents/setShareLimits",
            ("hashes", TorrentIds.Join(ids)),
            ("ratioLimit", Write(limits.Ratio, whole: false)),
            ("seedingTimeLimit", Write(limits.SeedingMinutes, whole: true)),
            ("inactiveSeedingTimeLimit", Write(limits.InactiveMinutes, whole: true)),
            ("shareLimitAction", "Default"),
            ("shareLimitsMode", "Default"));
        return SendAsync(call, cancellationToken);
    }

    /// <inheritdoc />
    public Task SetTorrentUploadLimitAsync(
        IReadOnlyCollection<ClientTorrentId> ids, long bytesPerSecond, CancellationToken cancellationToken) =>
        LimitRateAsync(ApiOperation.SetTorrentUploadLimit, "torrents/setUploadLimit", ids, bytesPerSecond, cancellationToken);

    /// <inheritdoc />
    public Task SetTorrentDownloadLimitAsync(
        IReadOnlyCollection<ClientTorrentId> ids, long bytesPerSecond, CancellationToken cancellationToken) =>
        LimitRateAsync(ApiOperation.SetTorrentDownloadLimit, "torrents/setDownloadLimit", ids, bytesPerSecond, cancellationToken);

    private static string Write(ShareLimit limit, bool whole) => limit.Kind switch
    {
        ShareLimitKind.Global => "-2",
        ShareLimitKind.Unlimited => "-1",

        // The server reads minutes as whole numbers of 32 bits, and takes anything else for 0. Rounded up, an obligation is met in full.
        ShareLimitKind.Value when whole => Math.Min(Math.Ceiling(limit.Value), int.MaxValue).ToString("F0", CultureInfo.InvariantCulture),
        ShareLimitKind.Value => (Math.Ceiling(limit.Value * 10_000) / 10_000).ToString("0.####", CultureInfo.InvariantCulture),
    };

    private Task LimitRateAsync(
        ApiOperation operation,
        string path,
        IReadOnlyCollection<ClientTorrentId> ids,
        long bytesPerSecond,
        CancellationToken cancellationToken)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(bytesPerSecond);
        var limit = bytesPerSecond.ToString(CultureInfo.InvariantCulture);
        return SendAsync(ApiCalls.Change(operation, path, ("hashes", TorrentIds.Join(ids)), ("limit", limit)), cancellationToken);
    }
}
