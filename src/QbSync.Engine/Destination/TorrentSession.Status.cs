using QbSync.Engine.Status;
using QbSync.Outcomes;
using QbSync.Ports;

namespace QbSync.Engine.Destination;

internal sealed partial class TorrentSession
{
    private int _shownHeld = -1;
    private ulong _shownLosses;
    private OperationProgress? _shownProgress;
    private RefusalReason? _shownStanding;

    /// <summary>How far opening or finalizing is; for a complete record that cannot be vouched for, what that waits for.</summary>
    public OperationProgress GetProgress() =>
        _view.State == TorrentSessionState.Complete && GetStanding() is { } reason
            ? new OperationProgress(FinalizeStage.Checking, 0, 0, reason)
            : _progress;

    /// <summary>Whether it counts among those that are received; also while it is being opened, or a moment's requests could open more than are allowed.</summary>
    public bool IsUnfinished => _view is { State: not (TorrentSessionState.Complete or TorrentSessionState.HandedOff), IsRetired: false };

    /// <summary>Whose it is: the peer that it is stored for, or that opens it.</summary>
    public string Peer => _view.Storage?.Request.Peer ?? _opener;

    /// <summary>The status from memory, for the source that owns the torrent.</summary>
    public DestinationTorrentStatus GetStatus(bool withBitmaps)
    {
        var view = _view;
        if (view.Storage is not { } storage)
        {
            return new DestinationTorrentStatus { Id = Id, State = (DestinationTorrentState)(int)view.State, Refusal = view.Refusal };
        }

        var standing = view.State == TorrentSessionState.Complete ? GetStanding() : null;
        return new DestinationTorrentStatus
        {
            Id = Id,
            State = standing is null ? (DestinationTorrentState)(int)view.State : DestinationTorrentState.Finalizing,
            Epoch = view.Epoch,
            Losses = storage.Losses,
            HeldPieces = view.HeldPieces,
            NeededPieces = view.NeededPieces,
            Progress = standing is not null || view.State is TorrentSessionState.Finalizing or TorrentSessionState.Opening ? GetProgress() : null,
            Refusal = standing is { } reason ? new Refusal(reason) : view.Refusal,
            Have = withBitmaps ? storage.CopyHave() : null,
            Deferred = withBitmaps ? storage.CopyDeferred() : null,
            Selection = withBitmaps || view.State is TorrentSessionState.Complete or TorrentSessionState.HandedOff ? storage.Request.Selection.ToBytes() : default,
            Client = GetClientView(),
        };
    }

    /// <summary>The new truth after pieces were lost; null when there is no record any more.</summary>
    public DestinationUpdate? GetHave() => _view is { Storage: { } storage } view
        ? new DestinationUpdate.HaveChanged(
            Id, view.Epoch, storage.Losses, storage.CopyHave(), storage.CopyDeferred())
        : null;

    /// <summary>Tells watchers what moved without a turn: pieces held, progress, losses that the storage noticed by itself. Called once a second.</summary>
    public void Tick()
    {
        var view = _view;
        if (view.Storage is not { } storage)
        {
            return;
        }

        var (held, progress, standing) = (view.HeldPieces, _progress, view.State == TorrentSessionState.Complete ? GetStanding() : null);
        if (held != _shownHeld || standing != _shownStanding || (view.State == TorrentSessionState.Finalizing && progress != _shownProgress))
        {
            _context.Hub.Changed(Id);
        }

        if (storage.Losses > _shownLosses)
        {
            _context.Hub.HaveChanged(Id);
        }

        SettleAgain();
        (_shownHeld, _shownProgress, _shownLosses, _shownStanding) = (held, progress, storage.Losses, standing);
        if (view is { ArrivedAt: null, State: TorrentSessionState.Receiving, HoldsAll: true })
        {
            _mailbox.TryPost(() =>
            {
                if (_arrivedAt is null && _view.HoldsAll)
                {
                    _arrivedAt = _context.Time.GetUtcNow();
                    Publish();
                }
            });
        }
    }

    /// <summary>The session for people.</summary>
    public TorrentProgress GetTorrentProgress()
    {
        var view = _view;
        var storage = view.Storage;
        var waiting = view.State is TorrentSessionState.Receiving or TorrentSessionState.Finalizing or TorrentSessionState.Failed ? view.Refusal : null;
        if (view.State == TorrentSessionState.Receiving && _context.Room.IsFull)
        {
            waiting = new Refusal(RefusalReason.NoSpace, "The disk is full.");
        }

        return new TorrentProgress
        {
            Id = Id,
            Name = storage?.Request.Manifest.Name ?? Id.ToString(),
            State = view.State == TorrentSessionState.Finalizing ? $"Finalizing ({_progress.Stage})" : view.State.ToString(),
            Pieces = view.NeededPieces,
            PiecesDone = view.HeldPieces,
            Bytes = storage?.Layout.SelectedBytes ?? 0,
            BytesMoved = GetAcceptedBytes(view),
            ArrivedAt = view.ArrivedAt,
            FinishedAt = view.FinishedAt,
            WaitingFor = waiting is null && view.State == TorrentSessionState.Finalizing && _progress.Stage == FinalizeStage.Linking
                ? WaitingReason.Link
                : DestinationEngine.GetWaiting(waiting?.Reason),
            Reason = waiting?.Detail ?? "",
        };
    }

    /// <summary>Bytes of the pieces that came in since the torrent was opened or recovered in this process.</summary>
    private long GetAcceptedBytes(SessionView view)
    {
        if (view.Storage is not { } storage)
        {
            return 0;
        }

        var bytes = Math.Max(0, view.HeldPieces - view.HeldAtFirst) * (long)storage.Request.Manifest.PieceLength;
        return Math.Min(bytes, storage.Layout.SelectedBytes);
    }
}
