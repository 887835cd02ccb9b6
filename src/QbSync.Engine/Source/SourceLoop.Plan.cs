using QbSync.Engine.Plans;
using QbSync.Engine.Source.Handoff;
using QbSync.Engine.Source.Phases;
using QbSync.Engine.Source.Planning;
using QbSync.Engine.Source.Records;
using QbSync.Engine.Status;
using QbSync.Torrents;

namespace QbSync.Engine.Source;

/// <summary>What others want to know of what would be done. The loop says what it knows at one moment; the plan is made beside it.</summary>
internal sealed partial class SourceLoop
{
    private readonly PlanDesk _plans;

    /// <summary>Where plans are made of what <see cref="AskForPlanAsync"/> tells. From any thread.</summary>
    public PlanDesk Plans => _plans;

    /// <summary>What is known now, and of one torrent in particular. From any thread.</summary>
    public async Task<PlanQuestion> AskForPlanAsync(InfoHash? id)
    {
        var answer = new TaskCompletionSource<PlanQuestion>(TaskCreationOptions.RunContinuationsAsynchronously);
        await PostAsync(new SourceCommand.Plan(id, answer)).ConfigureAwait(false);
        return await answer.Task.ConfigureAwait(false);
    }

    /// <summary>With a loader of its own: what it forgets is not forgotten by who streams.</summary>
    private PlanDesk MakePlanDesk() => new(
        new PlanMaker(new PlanRules(_with.Options), new ContentLoader(_with.Client, _with.Reader, _with.Options, _with.Clock), _destination, _with.Clock.Provider),
        _with.Clock);

    private void OnPlan(SourceCommand.Plan asked)
    {
        var problem = string.Join(" ", new[] { _clientProblem, _peerProblem }.Where(static text => text.Length > 0));
        if (_lastSeen is not { } seen)
        {
            asked.Answer.SetResult(new PlanQuestion(null, problem.Length > 0 ? problem : "The client has not told yet what it has."));
            return;
        }

        Dictionary<InfoHash, TorrentRecord> records = new(_syncs.Count);
        foreach (var (id, sync) in _syncs)
        {
            records[id] = RecordOf(sync);
        }

        asked.Answer.SetResult(new PlanQuestion(new PlanBasis(seen.Update, records, PeerReady), problem)
        {
            Live = asked.Id is { } one && _syncs.TryGetValue(one, out var known) ? [.. LiveConditions(known)] : [],
        });
    }

    private IEnumerable<PlanCondition> LiveConditions(TorrentSync sync)
    {
        var (waitingFor, reason) = WaitOf(sync);
        yield return new PlanCondition(
            PlanTopic.Sync, "it waits for nothing now", waitingFor == WaitingReason.None, $"{sync.State}{(reason.Length > 0 ? $": {reason}" : "")}");
        if (sync.Hold is { } hold)
        {
            yield return new PlanCondition(PlanTopic.Sync, "no try is put off", false, $"tried again in {PlanWords.Time(hold.RetryAt - Now)}, after {hold.Failures} failures");
        }

        yield return new PlanCondition(PlanTopic.Sync, "it has no strikes", sync.Strikes.At.Count == 0, $"{sync.Strikes.At.Count} of {StrikeLedger.Limit}");
        var refusal = sync.State == TorrentSyncState.HandingOff ? null : HandoffRefusal(sync, HandoffCause.Pressure);
        yield return new PlanCondition(
            PlanTopic.Handoff,
            "the source would begin its handoff now",
            sync.State == TorrentSyncState.HandingOff || refusal is null,
            sync.State == TorrentSyncState.HandingOff ? $"under way: {sync.Reason}" : refusal ?? "it would");
        yield return SharingOf(sync);
    }

    private PlanCondition SharingOf(TorrentSync sync)
    {
        const string Name = "no other torrent has its files";
        if (_groupLook?.Groups.FirstOrDefault(group => group.Members.Any(member => member.Id == sync.ClientId)) is not { } group)
        {
            return new PlanCondition(PlanTopic.Handoff, Name, null, "not looked at: that is done when something is to go");
        }

        var others = group.Members.Where(member => member.Id != sync.ClientId).Select(member => member.Id.Value).ToArray();
        return new PlanCondition(PlanTopic.Handoff, Name, others.Length == 0, others.Length == 0 ? "it alone" : $"shared with {string.Join(", ", others)}");
    }
}
