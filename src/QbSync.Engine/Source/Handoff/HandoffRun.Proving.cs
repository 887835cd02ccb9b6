using System.Security.Cryptography;
using QbSync.Engine.Source.Phases;
using QbSync.Outcomes;
using QbSync.Ports;

namespace QbSync.Engine.Source.Handoff;

/// <summary>Step 7, and the questions of step 1: without an answer that breaks no rule nothing is deleted.</summary>
internal sealed partial class HandoffRun
{
    private static readonly TimeSpan FreshEnough = TimeSpan.FromSeconds(30);

    /// <summary>Every member is proven, one after the other's turn to delete has come; a proof that got old in that wait is asked for anew.</summary>
    private async Task<StepVerdict> ProveAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            if (await LookAgainHereAsync(cancellationToken).ConfigureAwait(false) is { } refusal)
            {
                return StepVerdict.Failed(refusal);
            }

            var verdict = await AskProofsAsync(mustBeActive: true, cancellationToken).ConfigureAwait(false);
            if (verdict.Result != StepResult.Done)
            {
                return verdict;
            }

            var proven = Now;
            if (!_entry.AnyGone && !await _with.Turn.WaitAsync(Group, cancellationToken).ConfigureAwait(false))
            {
                return StepVerdict.Failed("its delete is not wanted now: space is free again, or how much is free is not known");
            }

            if (Now - proven < FreshEnough)
            {
                return StepVerdict.Done;
            }
        }
    }

    /// <summary>As <see cref="LookHereAsync"/>, and nothing of the group may be active here. A client that is away is waited for: the destination seeds.</summary>
    private async Task<string?> LookAgainHereAsync(CancellationToken cancellationToken)
    {
        foreach (var member in Here.ToArray())
        {
            var status = _deleteWasSent ? await GetAfterDeleteAsync(member, cancellationToken).ConfigureAwait(false)
                : await GetHereAsync(member, cancellationToken).ConfigureAwait(false);
            if (status is null && _deleteWasSent)
            {
                OnGone(member); // a delete that was thought lost took effect
            }
            else if (status is null)
            {
                _entry = _entry.With(member with { IsGone = true });
            }
            else if (!status.IsStopped)
            {
                NoteShown(member, status, isToRun: false);
                return $"{member.Name} was started here";
            }
        }

        for (var failures = 1; ; failures++)
        {
            try
            {
                return await LookHereAsync(cancellationToken).ConfigureAwait(false);
            }
            catch (TorrentClientException)
            {
                await PauseAsync(ClientPauses.After(failures), cancellationToken).ConfigureAwait(false);
            }
        }
    }

    private async Task<StepVerdict> AskProofsAsync(bool mustBeActive, CancellationToken cancellationToken)
    {
        var proven = await Task.WhenAll(Here.ToArray().Select(member => AskProofAsync(member, mustBeActive, cancellationToken))).ConfigureAwait(false);
        foreach (var (member, verdict) in proven)
        {
            if (verdict.Result != StepResult.Done)
            {
                return verdict;
            }

            _entry = _entry.With(member);
        }

        return StepVerdict.Done;
    }

    private async Task<(HandoffMember Member, StepVerdict Verdict)> AskProofAsync(HandoffMember member, bool mustBeActive, CancellationToken cancellationToken)
    {
        var bound = HandoffSteps.Of(HandoffStep.Proving, _entry.Overlaps).Bound!.Value;
        var content = _contents[member.InfoHash];
        var question = MakeQuestion(content);
        var there = member.GetSelectionThere(content.Manifest) ?? content.Selection;
        var request = new ProveRequest(question.Id, question.Nonce, there.Fingerprint(question.Id));
        var (outcome, verdict) = await AskAsync(
            "the proof", token => _with.Destination.ProveAsync(request, token), static answer => IsDefinite(answer), bound, cancellationToken, isPatient: mustBeActive)
            .ConfigureAwait(false);
        if (outcome is not ProveOutcome.Proven { Proof: { } proof })
        {
            return (member, outcome is null ? verdict : StepVerdict.Failed($"{member.Name} is not proven there: {Describe(outcome)}", DeleteBlock.NoProof));
        }

        var now = WallNow;
        return ProofRules.FindFault(question, proof, now, _with.Incarnation(), mustBeActive, now) is { } fault
            ? (member, StepVerdict.Failed($"{member.Name} is not proven there: {fault.Text}", fault.Block))
            : (member with { ProofId = proof.ProofId.ToArray(), ProvenAt = question.AskedAt, BytesReadBack = proof.BytesReadBack }, StepVerdict.Done);
    }

    private ProofQuestion MakeQuestion(TorrentContent content) => new(
        content.Manifest.Id,
        RandomNumberGenerator.GetBytes(16),
        content.Manifest,
        content.Selection.ToBytes(),
        content.Pieces.SelectedBytes,
        WallNow,
        _with.Incarnation());
}
