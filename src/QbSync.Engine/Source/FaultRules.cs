using QbSync.Engine.Shared;
using QbSync.Engine.Source.Records;
using QbSync.Engine.Status;
using QbSync.Outcomes;

namespace QbSync.Engine.Source;

/// <summary>Sorts faults into classes and says when each is tried again. Pure; texts are never looked at.</summary>
internal sealed class FaultRules(TimeSpan reconnectMaxDelay)
{
    private static readonly TimeSpan ConflictDelay = TimeSpan.FromMinutes(5);
    private readonly Backoff _peer = new(TimeSpan.FromSeconds(1), reconnectMaxDelay);
    private readonly Backoff _client = new(TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(30));
    private readonly Backoff _capacity = new(TimeSpan.FromSeconds(5), TimeSpan.FromMinutes(5));
    private readonly Backoff _permanent = new(TimeSpan.FromSeconds(30), TimeSpan.FromMinutes(2));

    /// <summary>The class of a refusal that is not a step.</summary>
    public static FaultClass Classify(RefusalReason reason) => reason switch
    {
        RefusalReason.NoSpace or RefusalReason.Quota => FaultClass.Capacity,
        _ => reason.GetKind() switch
        {
            RefusalKind.Conflict => FaultClass.Conflict,
            RefusalKind.Permanent => FaultClass.Permanent,
            RefusalKind.Wait or RefusalKind.Step => FaultClass.TransientPeer,
        },
    };

    /// <summary>The class of an exception of a phase; one that nobody expects is a strike.</summary>
    public static FaultClass Classify(Exception exception) => exception switch
    {
        // The watcher parks a peer that will not do; what waited for it goes on when that is settled, not by a time of its own.
        PeerException => FaultClass.TransientPeer,
        TorrentClientException => FaultClass.TransientClient,
        TorrentFormatException { Reason: TorrentFormatReason.Malformed } => FaultClass.TransientClient,
        TimeoutException => FaultClass.TransientPeer,
        StorageException => FaultClass.TransientClient,
        _ => FaultClass.Permanent,
    };

    /// <summary>What a refused torrent waits for, as shown.</summary>
    public static WaitingReason WaitsFor(RefusalReason reason) => reason switch
    {
        RefusalReason.NoSpace => WaitingReason.DestinationSpace,
        RefusalReason.Quota => WaitingReason.Quota,
        RefusalReason.StorageError or RefusalReason.RootMissing => WaitingReason.DestinationDisk,
        RefusalReason.NoClient or RefusalReason.ClientUnreachable => WaitingReason.Client,
        RefusalReason.ClientChecking => WaitingReason.Verification,
        RefusalReason.Superseded => WaitingReason.Standby,
        _ => reason.GetKind() switch
        {
            RefusalKind.Conflict => WaitingReason.Conflict,
            RefusalKind.Permanent => WaitingReason.Backoff,
            RefusalKind.Wait or RefusalKind.Step => WaitingReason.Peer,
        },
    };

    /// <summary>What a torrent with such an exception waits for, as shown.</summary>
    public static WaitingReason WaitsFor(Exception exception) => exception switch
    {
        TorrentFormatException => WaitingReason.Metadata,
        PeerException { IsTransient: false, Fault: not PeerFault.Malformed } => WaitingReason.Conflict,
        _ => Classify(exception) switch
        {
            FaultClass.TransientPeer or FaultClass.Capacity => WaitingReason.Peer,
            FaultClass.TransientClient => WaitingReason.Client,
            FaultClass.Conflict => WaitingReason.Conflict,
            FaultClass.Permanent => WaitingReason.Backoff,
        },
    };

    /// <summary>How long to wait after that many failures in a row.</summary>
    /// <param name="chance">0 to 1.</param>
    public TimeSpan Delay(FaultClass fault, int failures, double chance) => fault switch
    {
        FaultClass.TransientPeer => _peer.FullJitter(failures, chance),
        FaultClass.Capacity => _capacity.After(failures),
        FaultClass.TransientClient => _client.FullJitter(failures, chance),
        FaultClass.Conflict => ConflictDelay,

        // A try that came sooner would not count, and the next one is two minutes later.
        FaultClass.Permanent => TimeSpan.FromTicks(Math.Max(_permanent.Near(failures > 1 ? 3 : 1, chance).Ticks, StrikeLedger.Apart.Ticks)),
    };
}
