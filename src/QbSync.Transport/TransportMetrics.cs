using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Prometheus;
using QbSync.MetricFamilies;
using QbSync.Outcomes;
using QbSync.Transport.Client;

namespace QbSync.Transport;

/// <summary>
/// The transport's metric families: names, labels, help and buckets stand here and in the partials only. One instance per registry, thread-safe.
/// What both roles own is here; a role's own families are registered for that role only.
/// </summary>
internal sealed partial class TransportMetrics
{
    private readonly ScrapedOwner _scraped;
    private readonly Counter.Child _streamOpenErrors;
    private readonly Counter.Child _peerAuthFailures;
    private readonly Gauge.Child _certificateExpiry;
    private readonly Counter.Child[] _rejections;

    private TransportMetrics(
        IMetricFactory factory, CollectorRegistry registry, string mode, ILoggerFactory? loggers, ThroughputMeter? throughput = null)
    {
        var logger = (loggers ?? NullLoggerFactory.Instance).CreateLogger<TransportMetrics>();
        _scraped = new ScrapedOwner(factory, registry, "transport", fault => Log.NotReadable(logger, fault));
        _throughput = throughput;
        _streamOpenErrors = SharedMetricFamilies.StreamOpenErrors(factory).WithLabels(mode);
        _peerAuthFailures = factory.CreateCounter(
            "qbsync_peer_auth_failures_total", "Peers refused, or refusing us, for their identity", ["mode"]).WithLabels(mode);
        _certificateExpiry = _scraped.Add(factory.CreateGauge(
            "qbsync_certificate_expiry_timestamp_seconds", "Unix time at which the first certificate in use ends", ["mode"])).WithLabels(mode);
        _certificateExpiry.Unpublish();
        var rejections = factory.CreateCounter(
            "qbsync_piece_rejections_total", "Pieces that the destination did not take, by answer", ["mode", "code"]);
        _rejections = new Counter.Child[(int)PieceAckStatus.Malformed + 1];
        for (var status = PieceAckStatus.HashMismatch; status <= PieceAckStatus.Malformed; status++)
        {
            _rejections[(int)status] = rejections.WithLabels(mode, GetCode(status));
        }
    }

    /// <summary>A piece stream could not be opened, or was refused before a piece.</summary>
    public void StreamOpenFailed() => _streamOpenErrors.Inc();

    /// <summary>The peer's identity was refused, or ours by the peer.</summary>
    public void PeerRefused() => _peerAuthFailures.Inc();

    /// <summary>Shows when the first certificate in use ends; nothing while there is none.</summary>
    public void ShowCertificates(Func<DateTimeOffset?> expiry) => _scraped.Read(() =>
    {
        if (expiry() is { } earliest)
        {
            _certificateExpiry.Set(earliest.ToUnixTimeSeconds());
        }
        else
        {
            _certificateExpiry.Unpublish();
        }
    });

    /// <summary>A nack was written, or came for an attempt in flight. A number that this build does not know counts as Busy, as it is treated.</summary>
    public void PieceRejected(PieceAckStatus status)
    {
        var known = status is >= PieceAckStatus.HashMismatch and <= PieceAckStatus.Malformed ? status : PieceAckStatus.Busy;
        _rejections[(int)known].Inc();
    }

    /// <summary>A gauge of the transport, absent from a scrape that cannot read it.</summary>
    private Gauge CreateGauge(IMetricFactory factory, string name, string help, params string[] labels) =>
        _scraped.Add(factory.CreateGauge(name, help, labels));

    private static string GetCode(PieceAckStatus status) => status switch
    {
        PieceAckStatus.Pending => "pending",
        PieceAckStatus.Accepted => "accepted",
        PieceAckStatus.Held => "held",
        PieceAckStatus.HashMismatch => "hash_mismatch",
        PieceAckStatus.NotOpen => "not_open",
        PieceAckStatus.StaleEpoch => "stale_epoch",
        PieceAckStatus.ClaimLost => "claim_lost",
        PieceAckStatus.Finalizing => "finalizing",
        PieceAckStatus.NoSpace => "no_space",
        PieceAckStatus.StorageError => "storage_error",
        PieceAckStatus.Busy => "busy",
        PieceAckStatus.FileLost => "file_lost",
        PieceAckStatus.TorrentInconsistent => "torrent_inconsistent",
        PieceAckStatus.Malformed => "malformed",
    };
}
