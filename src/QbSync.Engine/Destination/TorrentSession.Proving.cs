using QbSync.Engine.Destination.Handoff;
using QbSync.Outcomes;
using QbSync.Ports;

namespace QbSync.Engine.Destination;

internal sealed partial class TorrentSession
{
    private readonly SharedCall<ProveOutcome> _proving = new();
    private volatile byte[]? _proofId;

    /// <summary>Looks at disk and client and says what was seen. Null when this session has ended.</summary>
    public async Task<ProveOutcome?> ProveAsync(ProveRequest request) =>
        await (await _mailbox.AskAsync(() => Prove(request), Task.FromResult<ProveOutcome?>(null)).ConfigureAwait(false)).ConfigureAwait(false);

    private Task<ProveOutcome?> Prove(ProveRequest request)
    {
        if (_isRetired)
        {
            return Task.FromResult<ProveOutcome?>(null);
        }

        switch (_state)
        {
            case TorrentSessionState.Absent:
                return Task.FromResult<ProveOutcome?>(new ProveOutcome.Unknown());
            case not (TorrentSessionState.Complete or TorrentSessionState.HandedOff):
                return Refuse(new Refusal(RefusalReason.Incomplete, "The torrent is not complete here."));
        }

        var storage = _storage!;
        if (!storage.Request.Selection.Fingerprint(Id).AsSpan().SequenceEqual(request.SelectionFingerprint.Span))
        {
            return Refuse(new Refusal(RefusalReason.SelectionChanged, "Another selection is complete here."));
        }

        return _context.Seeding is not { } seeding
            ? Refuse(NoClientRefusal)
            : _proving.Join(request.Nonce.Span, _context.Time, () => OperateAsync<ProveOutcome>(
                "proof", lease => ProveInLaneAsync(storage, seeding, request, lease), static refusal => new ProveOutcome.Refused(refusal)));

        static Task<ProveOutcome?> Refuse(Refusal refusal) => Task.FromResult<ProveOutcome?>(new ProveOutcome.Refused(refusal));
    }

    private async Task<ProveOutcome> ProveInLaneAsync(ITorrentStorage storage, SeedingControl seeding, ProveRequest request, CancellationToken lease)
    {
        var from = _context.Time.GetUtcNow();
        var (seen, refusal) = await ExamineAsync(storage, seeding, lease).ConfigureAwait(false);
        if (refusal is not null)
        {
            return new ProveOutcome.Refused(refusal);
        }

        if (await storage.ReadProofAsync(lease).ConfigureAwait(false) is not { } proof)
        {
            await _mailbox.ApplyAsync(() => OnContentChanged([], "its proof cannot be read")).ConfigureAwait(false);
            return new ProveOutcome.Refused(new Refusal(RefusalReason.Incomplete, "The stored proof cannot be read; it is made anew when the torrent is finalized."));
        }

        _proofId = proof.Id.ToArray();
        return new ProveOutcome.Proven(new Proof
        {
            Id = Id,
            Nonce = request.Nonce,
            ManifestDigest = proof.ManifestDigest,
            ProvenFiles = storage.Request.Selection.ToBytes(),
            SelectedBytes = storage.Layout.SelectedBytes,
            BytesReadBack = proof.BytesReadBack,
            From = from,
            To = _context.Time.GetUtcNow(),
            Client = await seeding.ViewAsync(seen!, lease).ConfigureAwait(false),
            ProofId = proof.Id,
        });
    }

    /// <summary>
    /// Whether the torrent is complete now: every file by a stat, the client by an answer of this call. Files that changed are read again, behind this.
    /// </summary>
    private async Task<(ClientSighting? Seen, Refusal? Refusal)> ExamineAsync(ITorrentStorage storage, SeedingControl seeding, CancellationToken lease)
    {
        var changed = await storage.CheckPublishedAsync(lease).ConfigureAwait(false);
        if (changed.Count > 0)
        {
            var names = string.Join(", ", changed.Take(3).Select(file => string.Join('/', storage.Request.FileNames[file])));
            await _mailbox.ApplyAsync(() => OnContentChanged(changed, $"{names} changed")).ConfigureAwait(false);
            return (null, new Refusal(RefusalReason.Incomplete, $"Changed since they were read back: {names}{(changed.Count > 3 ? $" and {changed.Count - 3} more" : "")}."));
        }

        if (await storage.FindBadCheckAsync(lease).ConfigureAwait(false) is { } bad)
        {
            // Not a matter of the torrent's: it waits, with its source's data kept, until somebody mended the disk and checked again.
            return (null, new Refusal(RefusalReason.StorageError, $"Its proof is void: {bad}. A later good check makes it valid again: qbsync check {Id}."));
        }

        var seen = await seeding.FindAsync(storage.Request.Manifest, lease).ConfigureAwait(false);
        _seenLast = seen ?? _seenLast;
        return (seen, await seeding.FindFaultAsync(storage, seen?.Status, lease).ConfigureAwait(false));
    }

    /// <summary>Final files are not what was proven: they are read again, and until then nobody is told Complete.</summary>
    private void OnContentChanged(IReadOnlyList<int> files, string reason)
    {
        if (_state == TorrentSessionState.HandedOff && IsAddedByUs)
        {
            // Who seeds content that changed serves what its peers refuse: it is stopped before anything else.
            QueueTakeBack(files, reason);
            return;
        }

        if (_state == TorrentSessionState.HandedOff)
        {
            Transition(TorrentSessionState.Complete, "not started by us");
        }

        if (_state == TorrentSessionState.Complete)
        {
            ReadAgain(files, reason);
        }
    }

    /// <summary>Back to receiving, with these files read anew; those that a stat shows to be changed always are.</summary>
    private void ReadAgain(IReadOnlyList<int> files, string reason, bool isLostByClient = false)
    {
        var storage = _storage!;
        Log.ReadsAgain(_context.Logger, Id, reason);
        LeaveComplete();
        Transition(TorrentSessionState.Receiving, reason);
        _lane.Enqueue(lease => RunAsync(
            "look at final files",
            async token =>
            {
                await storage.SetPhaseAsync(StoredPhase.Receiving, null, token).ConfigureAwait(false);
                if (isLostByClient && storage.AddedByUs)
                {
                    await storage.SetAddedByUsAsync(false, token).ConfigureAwait(false);
                }

                var changed = files.Union(await storage.CheckPublishedAsync(token).ConfigureAwait(false)).ToArray();
                if (changed.Length > 0 && await _context.Finalizer.ReexamineAsync(storage, changed, token).ConfigureAwait(false) is var lost and > 0)
                {
                    await _mailbox.PostAsync(() => OnPiecesLost(lost)).ConfigureAwait(false);
                }
            },
            lease));
    }

    private static Refusal NoClientRefusal { get; } = new(RefusalReason.NoClient, "The destination has no torrent client.");

    /// <summary>Runs a verb's work in the lane; what it could not do is a refusal. Never throws.</summary>
    private async Task<T?> OperateAsync<T>(string what, Func<CancellationToken, Task<T>> work, Func<Refusal, T> refuse)
        where T : class
    {
        T? outcome = null;
        await _lane.EnqueueAsync(lease => RunAsync(
            what,
            async token =>
            {
                try
                {
                    outcome = await work(token).ConfigureAwait(false);
                }
                catch (TorrentClientException e)
                {
                    outcome = refuse(new Refusal(RefusalReason.ClientUnreachable, e.Message));
                }
                catch (StorageException e)
                {
                    outcome = refuse(new Refusal(e.Fault.ToReason(), e.Message));
                }
            },
            lease)).ConfigureAwait(false);
        return outcome ?? refuse(new Refusal(RefusalReason.Busy, "The destination turned to something else, or failed inside; its log says which.", TimeSpan.FromSeconds(1)));
    }
}
