using System.Collections.Concurrent;
using QbSync.Engine.Destination.Finalization;
using QbSync.Engine.Status;
using QbSync.Outcomes;
using QbSync.Ports;

namespace QbSync.Engine.Destination;

internal sealed partial class TorrentSession
{
    // Bounded by the files of the torrent: a file becomes whole once, and again only after it lost pieces.
    private readonly ConcurrentQueue<int> _wholeFiles = new();
    private int _earlyIsQueued;

    /// <summary>Begins an attempt to receive a piece. Called for each piece, from any thread: no lock, no turn.</summary>
    public PieceAckStatus Begin(Guid source, int piece, ulong epoch, out IPieceTransfer? transfer)
    {
        transfer = null;
        var view = _view;
        if (view.Storage is not { } storage || storage.Request.Source != source)
        {
            return PieceAckStatus.NotOpen;
        }

        Contacted();
        switch (view.State)
        {
            case TorrentSessionState.Receiving:
                if (epoch != view.Epoch)
                {
                    return epoch < view.Epoch ? PieceAckStatus.StaleEpoch : PieceAckStatus.NotOpen;
                }

                if (_context.Room.IsFull)
                {
                    return PieceAckStatus.NoSpace;
                }

                var status = storage.Begin(piece, out transfer);
                if (status == PieceAckStatus.NoSpace)
                {
                    _context.Room.ReportFull();
                }

                return status;
            case TorrentSessionState.Finalizing:
                return IsNeeded(storage, piece) ? PieceAckStatus.Held : PieceAckStatus.Finalizing;
            case TorrentSessionState.Complete:
                return IsNeeded(storage, piece) ? PieceAckStatus.Held : PieceAckStatus.NotOpen;
            default:
                return PieceAckStatus.NotOpen;
        }
    }

    private static bool IsNeeded(ITorrentStorage storage, int piece) =>
        (uint)piece < (uint)storage.Request.Manifest.PieceCount && storage.Layout.IsSelected(piece);

    /// <summary>A write worker placed the last piece of a file: only noted here, since an ack waits behind this.</summary>
    private void OnFileWhole(int file)
    {
        _wholeFiles.Enqueue(file);
        QueueEarly();
    }

    private void QueueWholeFiles()
    {
        var storage = _storage!;
        var have = storage.CopyHave();
        foreach (var file in storage.Layout.GetSelectedFiles())
        {
            if (storage.Request.Manifest.Files[file].Length > 0 && !storage.IsPublished(file) && storage.Layout.IsWhole(have, file))
            {
                _wholeFiles.Enqueue(file);
            }
        }

        if (!_wholeFiles.IsEmpty)
        {
            QueueEarly();
        }
    }

    /// <summary>One run in the lane takes every file that is whole by then, so many small files share one flush.</summary>
    private void QueueEarly()
    {
        if (Interlocked.Exchange(ref _earlyIsQueued, 1) == 0)
        {
            _lane.Enqueue(lease => RunAsync("early finalization", FinalizeFilesAsync, lease));
        }
    }

    private async Task FinalizeFilesAsync(CancellationToken lease)
    {
        Volatile.Write(ref _earlyIsQueued, 0);
        List<int> files = [];
        while (_wholeFiles.TryDequeue(out var file))
        {
            files.Add(file);
        }

        if (_view is not { State: TorrentSessionState.Receiving, Storage: { } storage } || files.Count == 0)
        {
            return;
        }

        var end = await _context.EarlyFinalizer.RunAsync(storage, files, _ledger, lease).ConfigureAwait(false);
        if (end.Lost > 0 || end.Conflict is not null)
        {
            await _mailbox.PostAsync(() => OnEarly(end)).ConfigureAwait(false);
        }
    }

    private void OnEarly(EarlyEnd end)
    {
        if (end.Conflict is not null)
        {
            _conflict = end.Conflict;
            Publish();
        }

        if (end.Lost > 0)
        {
            OnPiecesLost(end.Lost);
        }
    }

    private void OnPiecesLost(int lost)
    {
        Log.PiecesLost(_context.Logger, Id, lost);
        _arrivedAt = _view.HoldsAll ? _arrivedAt : null;
        Publish();
        _context.Hub.HaveChanged(Id);
        if (_ledger.Repeating is { } piece && _state == TorrentSessionState.Receiving)
        {
            Fail(ReadBackLedger.Describe(_storage!, piece));
        }
    }

    private void Fail(Refusal refusal)
    {
        _refusal = refusal;
        _context.Metrics.SessionFailed();
        Transition(TorrentSessionState.Failed, refusal.Reason.ToString());
        Tell(EngineEventKind.TorrentFailed, DescribeFailure(refusal));
        var storage = _storage!;
        _lane.Enqueue(lease => RunAsync("record of the failure", token => storage.SetPhaseAsync(StoredPhase.Failed, refusal, token).AsTask(), lease));
    }

    /// <summary>Runs work of the lane; faults end here, since the next work must run all the same.</summary>
    private async Task RunAsync(string what, Func<CancellationToken, Task> work, CancellationToken lease)
    {
        try
        {
            await work(lease).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (lease.IsCancellationRequested)
        {
            // The lease ended: whoever renewed it goes on from what is durable.
        }
        catch (QbSyncException e)
        {
            Log.WorkFails(_context.Logger, Id, what, e.Message);
        }
        catch (Exception e)
        {
            Log.WorkFaults(_context.Logger, e, Id, what);
        }
    }
}
