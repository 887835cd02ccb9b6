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
        if (view is not { State: TorrentSessionState.Complete, Storage: { } storage } || !snapshot.IsWhole)
        {
            return;
        }

        var manifest = storage.Request.Manifest;
        if (snapshot.Find(manifest.V1, manifest.V2) is { } seen)
        {
            _lackedSince = null;
            if (_marksPending)
            {
                _marksPending = false;
                _lane.Enqueue(lease => RunAsync(
                    "tags and category",
                    async token => _marksPending = !await _context.Finalizer.ApplyMarksAsync(storage.Request.Parameters, seen.Status, token).ConfigureAwait(false),
                    lease));
            }

            return;
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

        return new ClientView(seen.Status.State, seen.Status.Progress, seen.Status.AmountLeft, seen.SeenAt);
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

        return GetClientView() switch
        {
            null => RefusalReason.ClientUnreachable,
            { BytesLeft: 0 } client when client.State.GetSide() == TorrentSide.Seeding => null,
            var client => ClientPresence.IsUnsettled(client.State) ? RefusalReason.ClientChecking : RefusalReason.NotSeeding,
        };
    }

    private CompletionView MakeCompletion(ClientView? client) => new(ReadOnlyMemory<byte>.Empty, client, _storage!.Request.Selection.ToBytes());

    private void OnLostByClient()
    {
        if (_state != TorrentSessionState.Complete)
        {
            return;
        }

        Log.LostByClient(_context.Logger, Id);
        var storage = _storage!;
        _addedByUs = false;
        _finishedAt = null;
        _seenLast = null;
        Transition(TorrentSessionState.Receiving, "the client lost it");
        _lane.Enqueue(lease => RunAsync(
            "look at final files",
            async token =>
            {
                await storage.SetPhaseAsync(StoredPhase.Receiving, null, token).ConfigureAwait(false);
                if (await storage.CheckPublishedAsync(token).ConfigureAwait(false) is { Count: > 0 } lost)
                {
                    await storage.ReexamineFilesAsync(lost, null, token).ConfigureAwait(false);
                    await _mailbox.PostAsync(() => OnPiecesLost(lost.Count)).ConfigureAwait(false);
                }
            },
            lease));
    }
}
