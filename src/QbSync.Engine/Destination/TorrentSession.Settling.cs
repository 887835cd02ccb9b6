using QbSync.Outcomes;
using QbSync.Ports;

namespace QbSync.Engine.Destination;

internal sealed partial class TorrentSession
{
    /// <summary>How often content that waits for another torrent or for a person is looked at again.</summary>
    private static readonly TimeSpan SettleAgainAfter = TimeSpan.FromSeconds(30);

    private readonly WakeSignal _settleSignal;
    private Refusal? _conflict;
    private int _settleIsQueued;
    private long _settleAgainFrom; // 0 when nothing waits; read by the tick

    /// <summary>Raised by the storage, from any thread. A finalization that waits for it is woken; else it runs in the lane.</summary>
    private void OnSettleDue()
    {
        _settleSignal.Raise();
        if (Interlocked.Exchange(ref _settleIsQueued, 1) == 0)
        {
            _lane.Enqueue(lease => RunAsync("local content", SettleAsync, lease));
        }
    }

    /// <summary>Takes up the work of a torrent that receives: content that is here already, and files that are whole.</summary>
    private void GoOnReceiving()
    {
        if (_storage!.IsUnsettled)
        {
            OnSettleDue();
        }

        QueueWholeFiles();
    }

    /// <summary>After a finalization ended with pieces lacking, local content is still decided in the background.</summary>
    private void SettleIfReceiving()
    {
        if (_state == TorrentSessionState.Receiving)
        {
            GoOnReceiving();
        }
    }

    private async Task SettleAsync(CancellationToken lease)
    {
        Volatile.Write(ref _settleIsQueued, 0);
        if (_view is not { State: TorrentSessionState.Receiving, Storage: { } storage })
        {
            return;
        }

        SettleOutcome outcome;
        try
        {
            outcome = await _context.Finalizer.SettleAsync(storage, new SettleProgress(this, storage.Layout.SelectedBytes), lease).ConfigureAwait(false);
        }
        catch (StorageException e)
        {
            outcome = new SettleOutcome(0, 0, IsWaiting: true, new Refusal(e.Fault.ToReason(), e.Message));
            Log.WorkFails(_context.Logger, Id, "local content", e.Message);
        }

        await _mailbox.PostAsync(() => OnSettled(storage, outcome)).ConfigureAwait(false);
    }

    private void OnSettled(ITorrentStorage storage, SettleOutcome outcome)
    {
        if (_storage != storage)
        {
            return;
        }

        Volatile.Write(ref _settleAgainFrom, outcome.IsWaiting || outcome.Conflict is not null ? _context.Time.GetTimestamp() : 0);
        var moved = outcome.Conflict != _conflict || outcome.Found > 0 || outcome.Dropped > 0;
        _conflict = outcome.Conflict;
        if (!moved)
        {
            return;
        }

        Log.Settled(_context.Logger, Id, outcome.Found, outcome.Dropped, outcome.Conflict?.Detail ?? "none");
        Publish();
        if (outcome.Found > 0 || outcome.Dropped > 0)
        {
            _context.Hub.HaveChanged(Id);
        }

        if (_state == TorrentSessionState.Receiving)
        {
            QueueWholeFiles();
        }
    }

    /// <summary>Looks again at what waits, when it is time.</summary>
    private void SettleAgain()
    {
        if (Volatile.Read(ref _settleAgainFrom) is var from and not 0 && _context.Time.GetElapsedTime(from) >= SettleAgainAfter
            && _view.State == TorrentSessionState.Receiving)
        {
            Volatile.Write(ref _settleAgainFrom, _context.Time.GetTimestamp());
            OnSettleDue();
        }
    }

    /// <summary>Shown when a finalization was asked for meanwhile: it comes after this in the lane.</summary>
    private sealed class SettleProgress(TorrentSession session, long total) : IProgress<long>
    {
        public void Report(long value)
        {
            if (session._view.State == TorrentSessionState.Finalizing)
            {
                session._progress = new OperationProgress(FinalizeStage.Linking, Math.Min(value, total), total);
            }
        }
    }
}
