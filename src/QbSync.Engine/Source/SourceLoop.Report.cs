using QbSync.Engine.Source.Planning;
using QbSync.Engine.Source.Streaming;
using QbSync.Engine.Status;
using QbSync.Outcomes;
using QbSync.Torrents;

namespace QbSync.Engine.Source;

internal sealed partial class SourceLoop
{
    private static readonly TimeSpan ReportInterval = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan RebuildInterval = TimeSpan.FromSeconds(5);
    private readonly Dictionary<InfoHash, long> _moved = [];
    private TimeSpan _reportedAt;
    private bool _isReportDue = true;
    private bool _wasFull;

    private TimeSpan _rebuiltAt;

    /// <summary>Whether something happens to a torrent that nobody tells the loop of.</summary>
    private bool _moves;
    private volatile SourceReport _report = SourceReport.Empty;

    /// <summary>Swaps status and metrics' snapshot: after a change, and at least twice a second.</summary>
    private void Report(bool isLast = false)
    {
        if (!isLast && !_isReportDue && Now - _reportedAt < ReportInterval)
        {
            return;
        }

        _reportedAt = Now;
        if (!isLast && !_isReportDue && !_moves && Now - _rebuiltAt < RebuildInterval)
        {
            // Thousands of torrents that rest are not told of anew each time; the time of the look is.
            _report = _report with { At = _with.Clock.WallNow };
            _status.Current = _status.Current with { At = _with.Clock.WallNow, BytesPerSecond = _acks.Rate.Rate(Now) };
            return;
        }

        _isReportDue = false;
        _rebuiltAt = Now;
        _moves = _syncs.Values.Any(static sync => sync.Stream is not null || sync.IsBusy || sync.Hold is not null || sync.State == TorrentSyncState.HandingOff);
        if (_capacity.IsFull != _wasFull)
        {
            _wasFull = _capacity.IsFull;
            if (_wasFull)
            {
                Log.DestinationFull(_logger);
            }
            else
            {
                Log.DestinationHasRoom(_logger);
            }
        }

        List<TorrentProgress> torrents = new(_syncs.Count);
        List<SourceReport.Torrent> reports = new(_syncs.Count);
        var states = new int[Enum.GetValues<TorrentSyncState>().Length];
        foreach (var sync in _syncs.Values)
        {
            states[(int)sync.State]++;
            var report = ReportOf(sync);
            reports.Add(report);
            torrents.Add(ProgressOf(sync, report));
        }

        torrents.Sort(static (a, b) => (a.FinishedAt is not null).CompareTo(b.FinishedAt is not null) is var order and not 0
            ? order : string.CompareOrdinal(a.Name, b.Name));
        _report = new SourceReport(
            reports, states, FailedFinalizations(), _syncs.Values.Count(sync => sync.Completion is not null), _with.Clock.WallNow)
        {
            FreeBytes = _space.GetRoots(Now),
            DeletableBytes = _deletableBytes,
        };
        _status.Current = new EngineStatus
        {
            At = _with.Clock.WallNow,
            IsStarted = true,
            ClientOk = _clientOk,
            PeerOk = _peerOk,
            Problem = string.Join(" ", ((ReadOnlySpan<string>)[_clientProblem, _peerProblem]).ToArray().Where(text => text.Length > 0)),
            BytesPerSecond = _acks.Rate.Rate(Now),
            FreeBytes = _report.FreeBytes.Values.Min(),
            DeletableBytes = _groupLook is not null && IsCleanupOn ? _deletableBytes : null,
            DeletableTorrents = _groupLook is not null && IsCleanupOn ? _deletableTorrents : null,
            RateLimit = _rate ?? _options.RateLimit,
            IsDraining = _drain is not null,
            Torrents = torrents,
        };
    }

    private void PublishMetrics()
    {
        _with.Metrics.PublishSource(() => _report, () => (int)_peer.State, _with.Options);
        _with.Metrics.PublishHandoffs(() => _openHandoffs.Select(static run => run.Overdue).DefaultIfEmpty().Max(), () => _doubles);
    }

    private int FailedFinalizations() => _syncs.Values.Count(sync => sync is { State: TorrentSyncState.Finalizing, Hold: not null });

    private static long SelectedBytesOf(TorrentSync sync) =>
        sync.Stream?.Layout.SelectedBytes ?? sync.Content?.Pieces.SelectedBytes ?? sync.Completion?.SelectedBytes ?? sync.Status?.SelectedSize ?? 0;

    private SourceReport.Torrent ReportOf(TorrentSync sync)
    {
        var counts = sync.Stream?.Table.Counts ?? default;
        var bytes = SelectedBytesOf(sync);
        var needed = sync.SelectedPieces;
        var done = sync.State is TorrentSyncState.Synced ? needed : counts.Acknowledged;
        var isActive = sync.State is TorrentSyncState.Discovered or TorrentSyncState.Initializing or TorrentSyncState.Streaming
            or TorrentSyncState.Finalizing;
        return new SourceReport.Torrent(sync.Id, sync.Name, sync.State, isActive && sync.Content is not null, needed, done, bytes)
        {
            PayloadAcknowledged = counts.PayloadAcknowledged,
            PendingSince = isActive && sync.Class == ClientClass.Complete ? PendingSince(sync) : null,
            BacklogBytes = BacklogOf(sync, needed, done, bytes),
            TrackedSince = sync.FirstSeen,
            SyncedAt = sync is { State: TorrentSyncState.Synced, Completion.Adopted: false } ? sync.FinishedAt : null,
        };
    }

    private static long BacklogOf(TorrentSync sync, int needed, int done, long bytes)
    {
        if (sync.State is not (TorrentSyncState.Discovered or TorrentSyncState.Initializing or TorrentSyncState.Streaming))
        {
            return 0;
        }

        if (sync.Stream is not { } stream)
        {
            return sync.Status is { } status ? Math.Max(0, status.SelectedSize - status.AmountLeft) : 0;
        }

        var waiting = sync.Class == ClientClass.Complete ? needed - done : stream.Table.Counts.Available + stream.Table.Counts.Busy;
        return needed == 0 ? 0 : (long)((double)bytes * waiting / needed);
    }

    private static DateTimeOffset PendingSince(TorrentSync sync) =>
        sync.Status?.CompletedAt is { } completed && completed > sync.FirstSeen ? completed : sync.FirstSeen;

    private TimeSpan AgeOf(TorrentSync sync)
    {
        var age = _with.Clock.WallNow - PendingSince(sync);
        return age > TimeSpan.Zero ? age : TimeSpan.Zero;
    }

    private TorrentProgress ProgressOf(TorrentSync sync, SourceReport.Torrent report)
    {
        var (waitingFor, reason) = WaitOf(sync);
        return new TorrentProgress
        {
            Id = sync.Id,
            Name = sync.Name,
            State = sync.State.ToString(),
            Pieces = report.Pieces,
            PiecesDone = report.PiecesDone,
            Bytes = report.Bytes,
            BytesMoved = sync.Stream is null ? _moved.GetValueOrDefault(sync.Id) : report.PayloadAcknowledged,
            ArrivedAt = sync.ArrivedAt,
            FinishedAt = sync.State == TorrentSyncState.Synced ? sync.FinishedAt : null,
            WaitingFor = waitingFor,
            Reason = reason,
        };
    }

    private (WaitingReason WaitingFor, string Reason) WaitOf(TorrentSync sync)
    {
        if (sync.Hold is { } hold)
        {
            return (hold.WaitingFor, hold.Text);
        }

        return sync.State switch
        {
            TorrentSyncState.Streaming when _capacity.IsFull => (WaitingReason.DestinationSpace, "The destination's disk is full."),
            TorrentSyncState.Streaming when sync.Stream is { IsFrozen: true } => (WaitingReason.Client, $"The client says {sync.Status?.State}."),
            TorrentSyncState.Streaming when _link is not { OpenStreams: > 0 } || !PeerReady => (PeerWait, _peerProblem),
            TorrentSyncState.Streaming when sync.Stream is { } stream && stream.IsPaused(Now) =>
                (WaitingReason.DestinationDisk, "The destination asked for patience."),
            TorrentSyncState.Streaming when sync.Stream?.FindAbsent(Now) is { } file => (WaitingReason.Client, AbsenceOf(sync.Stream, file)),
            TorrentSyncState.Streaming when sync.Stream?.Table.Counts is { Available: 0, Busy: 0 } => (WaitingReason.Download, ""),
            TorrentSyncState.Streaming => (WaitingReason.None, ""),
            TorrentSyncState.Initializing or TorrentSyncState.Finalizing when !PeerReady => (PeerWait, _peerProblem),
            TorrentSyncState.Finalizing when sync.Progress is { } progress => (WaitOf(progress), StageOf(progress)),
            TorrentSyncState.Discovered when !PeerReady => (PeerWait, _peerProblem),
            TorrentSyncState.Excluded or TorrentSyncState.Failed => (WaitingReason.None, sync.Reason),
            TorrentSyncState.Synced when IsKeptByAge(sync) => (WaitingReason.SeedingTime, "It has not seeded long enough to be handed over."),
            _ => (sync.WaitingFor, sync.Reason),
        };
    }

    /// <summary>Whether it would go now, but for the time that it has to seed.</summary>
    private bool IsKeptByAge(TorrentSync sync) =>
        (_options.Handoff.Mode == HandoffMode.Seeded || (_options.Handoff.Mode == HandoffMode.Pressure && IsShort))
        && sync.Status is not null && !IsExcluded(sync.Status) && IsKeptByAgeAlone(sync);

    private static string AbsenceOf(PieceStream stream, int file)
    {
        var location = stream.Location;
        var name = file < location.FileNames.Count ? string.Join('/', location.FileNames[file]) : "";
        return $"'{name}' is not in '{location.BaseFolders[0]}', though the client has it. Is its disk mounted?";
    }

    /// <summary>A peer that is away comes back by itself; one that does not trust us, or that we do not trust, does not.</summary>
    private WaitingReason PeerWait => _isParked ? WaitingReason.Conflict : WaitingReason.Peer;

    private static WaitingReason WaitOf(OperationProgress progress) => progress switch
    {
        { Waiting: { } reason } => FaultRules.WaitsFor(reason),
        { Stage: FinalizeStage.Linking } => WaitingReason.Link,
        _ => WaitingReason.Verification,
    };

    private static string StageOf(OperationProgress progress) =>
        progress.Total > 0 ? $"{progress.Stage} {progress.Done} of {progress.Total}" : progress.Stage.ToString();
}
