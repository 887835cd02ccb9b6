using QbSync.Engine.Shared;
using QbSync.Ports;
using QbSync.Torrents;

namespace QbSync.Engine.Source.Handoff;

/// <summary>Steps 8 and 9: the entries go from the client here, then the destination is told.</summary>
internal sealed partial class HandoffRun
{
    private static readonly Backoff DeletePauses = new(TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(30));
    private static readonly Backoff ConfirmPauses = new(TimeSpan.FromSeconds(1), TimeSpan.FromMinutes(5));
    private static readonly TimeSpan ListBound = TimeSpan.FromSeconds(30);
    private readonly Dictionary<string, DateTimeOffset?> _audited = new(StringComparer.Ordinal);
    private int _deleteFailures;

    private async Task<StepVerdict> DeleteAsync(CancellationToken cancellationToken)
    {
        var problem = Here.Any() ? await TryDeleteAsync(cancellationToken).ConfigureAwait(false) : null;
        if (Here.Any())
        {
            var fault = problem ?? new DeleteFault("the client still lists it");
            Log.NotDeleted(_with.Logger, Names, fault.Text);
            await PauseAsync(DeletePauses.After(++_deleteFailures), cancellationToken).ConfigureAwait(false);
            return new StepVerdict(StepResult.Again, fault.Text, Block: fault.Block);
        }

        _with.Turn.OnDeleted(Group);
        return StepVerdict.Done;
    }

    /// <summary>Deletes what is left of the group after a last look at a list that is newer than its stops and proofs. The problem, or null.</summary>
    private async Task<DeleteFault?> TryDeleteAsync(CancellationToken cancellationToken)
    {
        var members = Here.ToArray();
        if (await AuditAsync(members).ConfigureAwait(false) is { } unwritten)
        {
            return new DeleteFault(unwritten);
        }

        if (await _with.Lists.AskedAfterAsync(WallNow, ListBound, cancellationToken).ConfigureAwait(false) is not { } list)
        {
            return new DeleteFault("the client did not list its torrents");
        }

        CountReuse(list);
        if (await _with.Shared.FindAsync([.. members.Select(static member => member.Handle)], list, cancellationToken).ConfigureAwait(false) is not { } shared)
        {
            return new DeleteFault("which files other torrents use is not known", DeleteBlock.SharedFiles);
        }

        if (FindStartedHere() is { } started)
        {
            return new DeleteFault(started);
        }

        // Nothing may stand between this and the delete.
        if (Array.Find(members, member => member.ProvenAt is not { } at || WallNow - at > ProofRules.GoodFor || WallNow < at) is { } old)
        {
            return new DeleteFault($"the proof of {old.Name} is too old", DeleteBlock.ProofStale);
        }

        try
        {
            await SendDeleteAsync(members, shared, cancellationToken).ConfigureAwait(false);
        }
        catch (TorrentClientException e)
        {
            return new DeleteFault(await ReadDeletesAsync(members, cancellationToken).ConfigureAwait(false) ?? e.Message);
        }

        return await ReadDeletesAsync(members, cancellationToken).ConfigureAwait(false) is { } problem ? new DeleteFault(problem) : null;
    }

    private async Task SendDeleteAsync(HandoffMember[] members, IReadOnlySet<ClientTorrentId> shared, CancellationToken cancellationToken)
    {
        CountBlocked(members.Where(member => shared.Contains(member.Handle)), DeleteBlock.SharedFiles);
        foreach (var group in members.GroupBy(member => !shared.Contains(member.Handle)))
        {
            foreach (var member in group)
            {
                _with.Reader.Forget(member.InfoHash);
                Log.Deletes(_with.Logger, member.Name, member.Id, group.Key, Convert.ToHexStringLower(member.ProofId), member.BytesReadBack, member.ProvenAt);
            }

            _deleteWasSent = true;
            await _with.Client.DeleteAsync([.. group.Select(static member => member.Handle)], group.Key, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Writes down what is about to be deleted and on which proof, once for each proof. The problem, or null.</summary>
    private async Task<string?> AuditAsync(HandoffMember[] members)
    {
        foreach (var member in members.Where(member => member.ProvenAt is not null && _audited.GetValueOrDefault(member.Id) != member.ProvenAt))
        {
            try
            {
                await _with.Audit.WriteAsync(
                    new AuditLine
                    {
                        At = WallNow,
                        Hash = member.Id,
                        Name = member.Name,
                        Handoff = _entry.Number,
                        Cause = _entry.Cause,
                        Proof = Convert.ToHexStringLower(member.ProofId),
                        ProvenAt = member.ProvenAt,
                        BytesReadBack = member.BytesReadBack,
                    },
                    CancellationToken.None).ConfigureAwait(false);
                _audited[member.Id] = member.ProvenAt;
            }
            catch (StorageException e)
            {
                return $"the audit log cannot be written: {e.Message}";
            }
        }

        return null;
    }

    /// <summary>Reads back what is gone, whatever the delete was answered.</summary>
    private async Task<string?> ReadDeletesAsync(HandoffMember[] members, CancellationToken cancellationToken)
    {
        string? problem = null;
        foreach (var member in members)
        {
            try
            {
                var (isGone, _) = await _with.ReadBack
                    .UntilAsync(ClientChange.Delete, member.Handle, static status => status is null, cancellationToken).ConfigureAwait(false);
                if (isGone)
                {
                    OnGone(member);
                }
            }
            catch (TorrentClientException e)
            {
                problem = e.Message;
            }
        }

        return problem;
    }

    private void OnGone(HandoffMember member)
    {
        _entry = _entry.With(member with { IsGone = true });
        if (_entry.Cause is HandoffCause.Pressure or HandoffCause.Drain)
        {
            _with.Metrics.CleanupHandedOff();
        }
    }

    /// <summary>What the client shows of a member whose delete may have been lost: nothing is as good as a delete that was read back.</summary>
    private async Task<TorrentStatus?> GetAfterDeleteAsync(HandoffMember member, CancellationToken cancellationToken)
    {
        for (var failures = 1; ; failures++)
        {
            try
            {
                return await TryGetHereAsync(member, cancellationToken).ConfigureAwait(false);
            }
            catch (TorrentClientException)
            {
                await PauseAsync(ClientPauses.After(failures), cancellationToken).ConfigureAwait(false);
            }
        }
    }

    private async Task<StepVerdict> ConfirmAsync(CancellationToken cancellationToken)
    {
        await Task.WhenAll(_entry.Members.Where(static member => member.IsGone).Select(member => ConfirmAsync(member, cancellationToken))).ConfigureAwait(false);
        return StepVerdict.Done;
    }

    private async Task ConfirmAsync(HandoffMember member, CancellationToken cancellationToken)
    {
        var request = new ConfirmHandoffRequest(member.InfoHash, _with.Options.Current.SourceRemovedTag, member.ProofId);
        for (var failures = 1; ; failures++)
        {
            try
            {
                var outcome = await _with.Destination.ConfirmHandoffAsync(request, cancellationToken).ConfigureAwait(false);
                SuspendIfSuperseded(outcome);
                if (outcome is Outcomes.ConfirmOutcome.Done or Outcomes.ConfirmOutcome.Unknown)
                {
                    return;
                }
            }
            catch (PeerException)
            {
                // Owed for as long as it takes.
            }

            await PauseAsync(ConfirmPauses.After(failures), cancellationToken).ConfigureAwait(false);
        }
    }
}
