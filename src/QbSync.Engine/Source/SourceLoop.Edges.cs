using QbSync.Engine.Source.Streaming;
using QbSync.Engine.Status;

namespace QbSync.Engine.Source;

internal sealed partial class SourceLoop
{
    private bool _isScheduleDue;

    /// <summary>What acks and reads noted about a torrent since the last look.</summary>
    private void OnEdges(TorrentSync sync)
    {
        if (sync.Stream is not { } stream || stream.TakeEdges() is not (var edges and not SyncEdges.None))
        {
            return;
        }

        if (sync.State == TorrentSyncState.Streaming)
        {
            OnEdges(sync, edges);
        }

        Consider(sync);
    }

    private void OnEdges(TorrentSync sync, SyncEdges edges)
    {
        if (edges.HasFlag(SyncEdges.Inconsistent) && Strike(sync, "v1 and v2 hashes disagree at the destination (TorrentInconsistent)"))
        {
            return;
        }

        if (edges.HasFlag(SyncEdges.SourceCorrupt) && Strike(sync, "a piece does not match its hash here (source-corrupt)"))
        {
            return;
        }

        if (edges.HasFlag(SyncEdges.PieceRejected) && Strike(sync, "the destination rejects a piece that is right here (piece-rejected)"))
        {
            return;
        }

        if (edges.HasFlag(SyncEdges.Malformed) && Strike(sync, "the destination finds our pieces malformed"))
        {
            return;
        }

        if (edges.HasFlag(SyncEdges.ReaderFault) && Strike(sync, "reading it failed unexpectedly (internal)"))
        {
            return;
        }

        if (edges.HasFlag(SyncEdges.Breach))
        {
            OnBreach(sync, "The destination answers for a piece that the torrent does not have.");
        }
        else if (edges.HasFlag(SyncEdges.FinalizingThere))
        {
            StartFinalize(sync, "the destination is making it final");
        }
        else if (edges.HasFlag(SyncEdges.Reopen) || edges.HasFlag(SyncEdges.Inconsistent))
        {
            sync.Transition(TorrentSyncState.Initializing, "the destination no longer receives it");
            _isScheduleDue = true;
        }
        else
        {
            if (edges.HasFlag(SyncEdges.FilesMissing))
            {
                sync.NeedsLook = true;
                TellAbsence(sync);
            }

            if (edges.HasFlag(SyncEdges.AllAcknowledged) && sync.Stream is { Table.IsAllAcknowledged: true })
            {
                sync.ArrivedAt = _with.Clock.WallNow;
                _isReportDue = true;
            }
        }
    }

    /// <summary>One line for each time that files are away: nothing of it is read meanwhile, and nothing counts against it.</summary>
    private void TellAbsence(TorrentSync sync)
    {
        var file = sync.Stream!.FindAbsent(Now);
        if (file is { } absent && !sync.AbsenceWasTold)
        {
            Log.Held(_logger, sync.Name, sync.Id, AbsenceOf(sync.Stream, absent));
        }

        sync.AbsenceWasTold = file is not null;
    }

    /// <summary>The destination said what cannot be: nothing is done with it, and the torrent is opened anew after a pause.</summary>
    private void OnBreach(TorrentSync sync, string text)
    {
        if (sync.Transition(TorrentSyncState.Initializing, text))
        {
            Rest(sync, WaitingReason.Peer, FaultClass.TransientPeer, null, text);
            _isScheduleDue = true;
        }
    }

    /// <summary>Which torrents may send, the backlog with the one that has least left first.</summary>
    private void Reschedule()
    {
        if (!_isScheduleDue)
        {
            return;
        }

        _isScheduleDue = false;
        if (_isStopping)
        {
            return; // the scheduler was emptied for good
        }

        List<PieceStream> live = [];
        List<BacklogEntry> backlog = [];
        var isStreaming = false;
        foreach (var sync in _syncs.Values)
        {
            if (sync is not { State: TorrentSyncState.Streaming, Stream: { } stream } || !MaySend(stream))
            {
                continue;
            }

            isStreaming |= stream.Table.HasWork;
            if (stream.IsLive)
            {
                live.Add(stream);
            }
            else
            {
                var counts = stream.Table.Counts;
                var left = (counts.Needed - counts.Acknowledged) * (long)stream.Layout.Manifest.PieceLength;
                backlog.Add(new BacklogEntry(stream, left, sync.Status?.SelectedSize ?? 0, sync.Status?.CompletedAt));
            }
        }

        _monitor.SetStreaming(isStreaming);
        _scheduler.Replace([.. live], BacklogEntry.Sort(backlog, _options.Order));
        _pulse.Pulse();
    }
}
