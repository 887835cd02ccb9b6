using QbSync.Engine.Destination.Handoff;
using QbSync.Engine.Destination.Initialization;
using QbSync.Outcomes;
using QbSync.Ports;

namespace QbSync.Engine.Destination;

internal sealed partial class TorrentSession
{
    /// <summary>How long the client may lack a complete torrent before that is believed: at its start it lists its torrents bit by bit.</summary>
    private static readonly TimeSpan LostAfter = TimeSpan.FromMinutes(1);

    private volatile bool _marksPending;
    private volatile ClientSighting? _seenLast;
    private long? _lackedSince;

    /// <summary>Looks at a new snapshot of the client. Called by the engine's poll loop only.</summary>
    public async ValueTask LookAsync(ClientSnapshot snapshot)
    {
        var view = _view;
        if (view.Storage is not { } storage)
        {
            return;
        }

        var manifest = storage.Request.Manifest;
        var seen = snapshot.Find(manifest.V1, manifest.V2);
        if (view.State == TorrentSessionState.Finalizing && storage.Phase is StoredPhase.AddIntent or StoredPhase.Added && seen is not null)
        {
            await StopActiveAsync(seen, CancellationToken.None).ConfigureAwait(false);
            return;
        }

        if (view.State is not (TorrentSessionState.Complete or TorrentSessionState.HandedOff))
        {
            return;
        }

        if (seen is not null)
        {
            await WatchHandoffAsync(seen).ConfigureAwait(false);
        }

        if (!snapshot.IsWhole)
        {
            return;
        }

        if (seen is not null)
        {
            _lackedSince = null;
            NoteClosed(isLacking: false);
            if (_marksPending)
            {
                QueueOnce(
                    "tags and category",
                    async lease => _marksPending =
                        !await _context.Finalizer.ApplyMarksAsync(storage.Request.Parameters, seen.Status, lease).ConfigureAwait(false));
            }

            return;
        }

        if (storage.Phase == StoredPhase.Closed)
        {
            NoteClosed(isLacking: true);
            return; // the user's to remove, who was given it
        }

        _lackedSince ??= _context.Time.GetTimestamp();
        if (_context.Time.GetElapsedTime(_lackedSince.Value) >= LostAfter)
        {
            _lackedSince = null;
            await _mailbox.PostAsync(OnLostByClient).ConfigureAwait(false);
        }
    }

    /// <summary>The client's view, when it is fresh enough to say something.</summary>
    public ClientView? GetClientView()
    {
        if (_context.Watch is not { } watch || _view.Storage?.Request.Manifest is not { } manifest)
        {
            return null;
        }

        // Registering looked, too, and maybe later than the poll.
        var (seen, registered) = (watch.Snapshot?.Find(manifest.V1, manifest.V2), _seenLast);
        if (seen is null || registered?.Stamp > seen.Stamp)
        {
            seen = registered;
        }

        if (seen is null || watch.GetAge(seen) > SessionContext.FreshFor)
        {
            return null;
        }

        var view = SeedingControl.MakeView(seen);
        return _announced is { } announced ? view with { Announce = announced.Announce, AnnounceText = announced.AnnounceText } : view;
    }

    /// <summary>Complete is never said from memory alone: the client has to show it, not long ago, on the seeding side.</summary>
    private FinalizeOutcome AnswerComplete() => GetStanding() is { } reason
        ? new FinalizeOutcome.Running(new OperationProgress(FinalizeStage.Checking, 0, 0, reason))
        : new FinalizeOutcome.Complete(MakeCompletion(GetClientView()));

    /// <summary>What keeps a complete record from being answered as Complete, or null.</summary>
    private RefusalReason? GetStanding()
    {
        if (_context.Watch is null)
        {
            return RefusalReason.NoClient;
        }

        if (_isUncertain)
        {
            return RefusalReason.Uncertain;
        }

        return GetClientView() switch
        {
            null => RefusalReason.ClientUnreachable,
            { BytesLeft: 0 } client when client.State.GetSide() == TorrentSide.Seeding => null,
            var client => ClientPresence.IsUnsettled(client.State) ? RefusalReason.ClientChecking : RefusalReason.NotSeeding,
        };
    }

    /// <summary>The same with the proof's name, which is read when it was sealed by a process before this one.</summary>
    private async Task<FinalizeOutcome?> AnswerCompleteAsync()
    {
        if (_proofId is null && _view.Storage is { } storage)
        {
            await _lane.EnqueueAsync(lease => RunAsync(
                "reading the proof", async token => _proofId = (await storage.ReadProofAsync(token).ConfigureAwait(false))?.Id.ToArray() ?? [], lease))
                .ConfigureAwait(false);
        }

        return _view.State is TorrentSessionState.Complete or TorrentSessionState.HandedOff ? AnswerComplete() : new FinalizeOutcome.Running(_progress);
    }

    private CompletionView MakeCompletion(ClientView? client) =>
        new(_proofId, client, _view.Storage?.Request.Selection.ToBytes() ?? ReadOnlyMemory<byte>.Empty);

    private void OnLostByClient()
    {
        if (_state == TorrentSessionState.HandedOff)
        {
            Transition(TorrentSessionState.Complete, "the client lost it");
        }

        if (_state == TorrentSessionState.Complete)
        {
            Log.LostByClient(_context.Logger, Id);
            ReadAgain([], "the client lost it", isLostByClient: true);
        }
    }
}
