using System.Globalization;
using QbSync.Engine.Plans;
using QbSync.Engine.Source.Handoff;
using QbSync.Ports;

namespace QbSync.Engine.Source.Planning;

/// <summary>Every condition of one torrent, by the rules that decide.</summary>
internal sealed partial class PlanRules
{
    /// <summary>Everything that has to do with what becomes of it.</summary>
    /// <param name="peerReady">Whether the destination answers.</param>
    /// <param name="freeBytes">Free bytes here, by the client; null while that is not known.</param>
    public IReadOnlyList<PlanCondition> Conditions(PlannedTorrent torrent, bool peerReady, long? freeBytes, DateTimeOffset now) =>
        [.. SyncConditions(torrent, peerReady), .. HandoffConditions(torrent, freeBytes, now), .. ProofConditions(torrent, now)];

    private IEnumerable<PlanCondition> SyncConditions(PlannedTorrent torrent, bool peerReady)
    {
        var status = torrent.Status;
        yield return Sync("the source's client lists it", status is not null, status is null ? "it does not" : $"as '{status.Name}'");
        yield return Sync(
            "the client's state lets it be synced",
            status is null ? null : torrent.Class is ClientClass.Downloading or ClientClass.Complete,
            status is null ? "not known" : status.HasMetadata ? $"{status.State}" : $"{status.State}, without metadata");
        yield return Sync("no tag forbids it", !IsExcluded(status), PlanWords.Tag(_options.ExcludeSyncTag, IsExcluded(status)), "exclude-sync-tag");
        var isFailed = torrent.Record?.State == TorrentSyncState.Failed;
        var hasFailedTag = HasTag(status, _options.SyncFailedTag);
        yield return Sync(
            "it has not failed",
            !isFailed && !hasFailedTag,
            isFailed ? torrent.Record is { Reason.Length: > 0 } failed ? failed.Reason : "it has failed" : PlanWords.Tag(_options.SyncFailedTag, hasFailedTag),
            "sync-failed-tag");
        if (status is not null)
        {
            foreach (var condition in _filter.Conditions(status, torrent.Traits))
            {
                yield return condition;
            }

            yield return Sync("something of it is downloaded", status.CompletedBytes > 0 || torrent.Class == ClientClass.Complete, $"{status.CompletedBytes} bytes");
        }

        var place = torrent.Place;
        yield return Sync(
            "its files are where they can be read",
            place is null ? null : place.Problem.Length == 0,
            place switch
            {
                null => "not looked at",
                { Problem.Length: > 0 } => place.Problem,
                _ => place.Folder,
            },
            "path-map");
        yield return Sync(
            "a file of it is selected",
            place?.SelectedBytes is { } selected ? selected > 0 : null,
            place?.SelectedBytes is { } bytes ? $"{bytes} bytes are selected" : "not known");
        yield return Sync("the destination answers", peerReady, peerReady ? "it does" : "it does not", "destination-addr");
        yield return Sync("the destination has it", StandsThere(torrent), There(torrent.Answer));
        yield return Sync(
            "it is recorded as synced",
            torrent.Record?.Completion is not null,
            torrent.Record?.Completion is { } done ? $"{(done.Adopted ? "found there" : "streamed")} {Day(done.SyncedAt)}" : "there is no record of that");
    }

    private IEnumerable<PlanCondition> HandoffConditions(PlannedTorrent torrent, long? freeBytes, DateTimeOffset now)
    {
        if (torrent.Status is not { } status)
        {
            yield break;
        }

        foreach (var condition in HandoffRules.Conditions(status, _options, now))
        {
            yield return condition;
        }

        var until = torrent.Record?.HandoffRestsUntil;
        yield return Handoff(
            "no earlier handoff turned back a while ago",
            !(until > now),
            until > now ? $"tried again in {PlanWords.Time(until.Value - now)}, after {torrent.Record!.HandoffFailures} that turned back" : "none did");
        yield return Handoff(
            "space is short here",
            _options.MinSpace == 0 ? false : freeBytes is null ? null : IsShort(freeBytes),
            freeBytes is { } free ? $"{free} bytes are free, {_options.MinSpace} are wanted" : "how much is free is not known",
            "min-space");
    }

    private static IEnumerable<PlanCondition> ProofConditions(PlannedTorrent torrent, DateTimeOffset now) =>
        ProofRules.Foresee(torrent.Answer?.Client, now).Select(static rule => new PlanCondition(
            PlanTopic.Proof,
            rule.Name,
            rule.IsKnown ? rule.Fault is null : null,
            rule.IsKnown ? rule.Fault ?? "it is so" : "asked for in the moment before the delete"));

    private static bool? StandsThere(PlannedTorrent torrent) => torrent.Answer switch
    {
        null => null,
        { State: DestinationTorrentState.Unknown } => null,
        { State: var state } => state is DestinationTorrentState.Complete or DestinationTorrentState.HandedOff,
    };

    private static string There(DestinationTorrentStatus? answer) => answer switch
    {
        null => "not asked",
        { Refusal.Detail: { Length: > 0 } why } => $"{answer.State}: {why}",
        { NeededPieces: > 0 } => $"{answer.State}, {answer.HeldPieces} of {answer.NeededPieces} pieces",
        _ => $"{answer.State}",
    };

    private static string Day(DateTimeOffset at) => at.ToUniversalTime().ToString("yyyy-MM-dd HH:mm 'UTC'", CultureInfo.InvariantCulture);

    private static PlanCondition Sync(string name, bool? isMet, string value, string? option = null) => new(PlanTopic.Sync, name, isMet, value, option);

    private static PlanCondition Handoff(string name, bool? isMet, string value, string? option = null) => new(PlanTopic.Handoff, name, isMet, value, option);
}
