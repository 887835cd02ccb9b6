using QbSync.Engine.Plans;
using QbSync.Engine.Source.Handoff;
using QbSync.Engine.Status;
using QbSync.Ports;
using QbSync.Torrents;

namespace QbSync.Engine.Source.Planning;

/// <summary>What a plan says of a torrent, by the decisions that an engine takes. Pure.</summary>
internal sealed partial class PlanRules(Live<SourceOptions> live)
{
    private SourceOptions _options = live.Current;
    private SyncFilter _filter = new(live.Current.Filter);

    public SyncFilter Filter => _filter;

    /// <summary>Decides by the options that are in force now; the same ones until it is called again.</summary>
    public void TakeOptions()
    {
        if (!ReferenceEquals(_options, live.Current))
        {
            _options = live.Current;
            _filter = new SyncFilter(_options.Filter);
        }
    }

    /// <summary>The facts as an engine has them at its start.</summary>
    public SyncFacts FactsOf(PlannedTorrent torrent, bool peerReady, DateTimeOffset now) => new()
    {
        State = torrent.State,
        Class = torrent.Class,
        IsExcluded = IsExcluded(torrent.Status),
        Filter = torrent is { State: TorrentSyncState.Discovered or TorrentSyncState.Excluded, OpenedThere: false, Status: { } status }
            && torrent.Record?.Completion is null
            ? _filter.Judge(status, torrent.Traits)
            : default,
        HasFailedTag = HasTag(torrent.Status, _options.SyncFailedTag),
        FailedTagWasSeen = torrent.Record is { FailedTagWasSeen: true },
        IsRetryDue = _options.SyncFailedTag.Length == 0 && torrent.Record?.FailedAt + TimeSpan.FromHours(24) <= now,
        Answer = torrent.Answer?.State,
        HasBytes = torrent.Status is { CompletedBytes: > 0 },
        IsOwedThere = torrent.OpenedThere,
        NeedsValidation = torrent.Answer is null,
        PeerReady = peerReady,
    };

    /// <summary>Why a torrent that the client lists is not taken up, when it is not.</summary>
    public string? NotEligible(PlannedTorrent torrent) => torrent switch
    {
        { Class: ClientClass.NoMetadata } => "the client has no metadata of it yet",
        { Record: not null } or { Class: null or ClientClass.Downloading or ClientClass.Complete } => null,
        _ when IsExcluded(torrent.Status) => null,
        { Class: ClientClass.PausedDownload } => "it is stopped before it is complete",
        { Class: ClientClass.Broken } => $"the client says {torrent.Status!.State}",
        _ => $"the client is busy with it ({torrent.Status!.State})",
    };

    /// <summary>The line of a torrent for a decision that needs no question any more.</summary>
    public PlanLine LineOf(PlannedTorrent torrent, SyncDecision decision, long? freeBytes, DateTimeOffset now) => decision.Action switch
    {
        SyncAction.Exclude => Skip(torrent, IsExcluded(torrent.Status) ? $"the tag '{_options.ExcludeSyncTag}' forbids it" : decision.Reason),
        SyncAction.Abort => Skip(torrent, "it is forbidden, and the destination would be told to give it up"),
        SyncAction.Adopt => Line(torrent, PlanAction.Sync, "the destination has it already"),
        SyncAction.Initialize => Line(torrent, torrent.Class == ClientClass.Complete ? PlanAction.Sync : PlanAction.Stream, WhyOf(torrent)),
        SyncAction.Finalize => Line(torrent, PlanAction.Finalize, decision.Reason),
        SyncAction.Fail => Line(torrent, PlanAction.Failed, decision.Reason),
        SyncAction.Deliver => Line(torrent, PlanAction.Remove, OwedOf(torrent)),
        _ => torrent.State switch
        {
            TorrentSyncState.Synced => KeepOrHandOver(torrent, freeBytes, now),
            TorrentSyncState.Failed => Line(torrent, PlanAction.Failed, torrent.Record is { Reason.Length: > 0 } failed ? failed.Reason : "it has failed"),
            TorrentSyncState.Excluded when IsExcluded(torrent.Status) => Skip(torrent, $"the tag '{_options.ExcludeSyncTag}' forbids it"),
            TorrentSyncState.Excluded => Skip(torrent, torrent.Status is { } status && _filter.Judge(status, torrent.Traits).Refusal is { } refusal ? refusal : "it is excluded"),
            TorrentSyncState.HandingOff => Line(torrent, PlanAction.Handoff, "its handoff is under way"),
            TorrentSyncState.Removing => Line(torrent, PlanAction.Remove, OwedOf(torrent)),
            _ => Waiting(torrent, decision),
        },
    };

    /// <summary>What a removal here would mean there.</summary>
    public static string OwedOf(PlannedTorrent torrent) => torrent.Record switch
    {
        { Completion: not null } => "it is gone here: the destination would be asked to start it",
        { AllArrived: true } => "it is gone here: the destination would make it final and start it",
        { OpenedThere: true } => "it is gone here: the destination would be told to give it up",
        _ => "it is gone here, and nothing is owed",
    };

    /// <summary>The line of one that went with a proof.</summary>
    public static PlanLine HandedOver(PlannedTorrent torrent) => Skip(
        torrent, torrent.Record?.HandedOff is { } gone ? $"it was handed over and deleted here, {Day(gone.At)}" : "it was handed over");

    public static PlanLine Skip(PlannedTorrent torrent, string reason) => Line(torrent, PlanAction.Skip, reason);

    private static PlanLine Line(PlannedTorrent torrent, PlanAction action, string reason) => new(torrent.Id, torrent.Name, action, reason);

    private PlanLine KeepOrHandOver(PlannedTorrent torrent, long? freeBytes, DateTimeOffset now)
    {
        if (KeepReason(torrent, now) is { } reason)
        {
            return Line(torrent, PlanAction.Keep, reason);
        }

        return _options.Handoff.Mode switch
        {
            HandoffMode.Seeded => HandOver("it has seeded for min-seeding-time"),
            HandoffMode.Pressure when IsShort(freeBytes) => HandOver("space is short, and it may go when its turn comes"),
            _ => Line(torrent, PlanAction.Keep, "space is not short"),
        };

        PlanLine HandOver(string why) => Line(torrent, PlanAction.Handoff, why) with { BytesToFree = torrent.Status!.SelectedSize };
    }

    private string? KeepReason(PlannedTorrent torrent, DateTimeOffset now)
    {
        var status = torrent.Status!;
        var handoff = _options.Handoff;
        if (HandoffRules.FindRefusal(status, HandoffCause.Pressure, _options, now) is { } refusal)
        {
            return refusal == HandoffRules.TooYoung(status, handoff, now)
                ? $"it has to seed for another {PlanWords.Time(handoff.MinSeedingTime - HandoffRules.SeedingTimeOf(status, now))}"
                : refusal;
        }

        return torrent switch
        {
            { Answer: null } => "the destination does not answer",
            { Answer.State: not (DestinationTorrentState.Complete or DestinationTorrentState.HandedOff) } => BusyThere(torrent),
            { Record.HandoffRestsUntil: { } until } when until > now => $"an earlier handoff turned back: tried again in {PlanWords.Time(until - now)}",
            _ => null,
        };
    }

    private PlanLine Waiting(PlannedTorrent torrent, SyncDecision decision) => decision switch
    {
        { WaitingFor: WaitingReason.Download } => Line(torrent, PlanAction.Stream, "nothing of it is downloaded yet"),
        { WaitingFor: WaitingReason.Peer } => Line(
            torrent, torrent.Class == ClientClass.Complete ? PlanAction.Sync : PlanAction.Stream, "the destination does not answer"),
        { WaitingFor: WaitingReason.Client } => Skip(torrent, $"the client is busy with it ({torrent.Status?.State})"),
        { Action: SyncAction.AskStatus } => Skip(torrent, BusyThere(torrent)),
        _ => Skip(torrent, "nothing is to be done"),
    };

    private static string WhyOf(PlannedTorrent torrent) => torrent.Answer?.State switch
    {
        DestinationTorrentState.Receiving or DestinationTorrentState.Opening => "the destination has a part of it",
        DestinationTorrentState.Failed => "the destination failed with it before",
        _ => "the destination does not have it",
    };

    private static string BusyThere(PlannedTorrent torrent) =>
        torrent.Answer?.Refusal?.Detail is { Length: > 0 } why ? why : "the destination is busy with it";

    private bool IsShort(long? freeBytes) => _options.MinSpace > 0 && freeBytes < _options.MinSpace;

    private bool IsExcluded(TorrentStatus? status) => HasTag(status, _options.ExcludeSyncTag);

    private static bool HasTag(TorrentStatus? status, string tag) => tag.Length > 0 && status is not null && status.Tags.Contains(tag);
}
