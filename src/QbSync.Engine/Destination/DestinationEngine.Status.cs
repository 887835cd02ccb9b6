using QbSync.Engine.Status;
using QbSync.Outcomes;

namespace QbSync.Engine.Destination;

public sealed partial class DestinationEngine
{
    /// <summary>Seconds over which the rate is taken.</summary>
    private const int RateSeconds = 10;

    private readonly Queue<(long Stamp, long Bytes)> _accepted = new();
    private volatile EngineStatus _status;
    private volatile DestinationGauges? _gauges;

    /// <summary>What the engine is doing, not older than about a second.</summary>
    public EngineStatus Status => _status;

    private void ShowStatus()
    {
        var sessions = _sessions.Values.Where(static session => !session.View.IsRetired).ToArray();
        var torrents = sessions.Select(static session => session.GetTorrentProgress())
            .OrderBy(static torrent => torrent.FinishedAt is not null)
            .ThenBy(static torrent => torrent.Name, StringComparer.Ordinal)
            .ToArray();
        _status = new EngineStatus
        {
            At = _time.GetUtcNow(),
            IsStarted = _context is not null || _options.Current.DryRun,
            ClientOk = _watch?.IsOk,
            Problem = GetTrouble()?.Detail ?? (_room.IsFull ? $"The disk of {_options.Current.DataRoot} is full." : _watch?.Problem ?? ""),
            BytesPerSecond = GetRate(torrents.Sum(static torrent => torrent.BytesMoved)),
            FreeBytes = _room.FreeBytes,
            Sources = _sources.List(),
            Torrents = torrents,
        };
        var counts = new int[(int)TorrentSessionState.Failed];
        foreach (var session in sessions)
        {
            counts[(int)session.View.State - 1]++;
        }

        _gauges = new DestinationGauges(
            counts,
            counts[(int)TorrentSessionState.Opening - 1] + counts[(int)TorrentSessionState.Receiving - 1] + counts[(int)TorrentSessionState.Finalizing - 1],
            _queue.Depth,
            _options.Current.DataRoot,
            _room.FreeBytes,
            _options.Current.MinFreeBytes);
    }

    private DestinationGauges ReadGauges() =>
        _gauges ?? new DestinationGauges(new int[(int)TorrentSessionState.Failed], 0, 0, _options.Current.DataRoot, null, _options.Current.MinFreeBytes);

    private double GetRate(long bytes)
    {
        var now = _time.GetTimestamp();
        _accepted.Enqueue((now, bytes));
        while (_accepted.Count > RateSeconds + 1)
        {
            _accepted.Dequeue();
        }

        var (since, before) = _accepted.Peek();
        var seconds = _time.GetElapsedTime(since, now).TotalSeconds;
        return seconds > 0 ? Math.Max(0, bytes - before) / seconds : 0;
    }

    /// <summary>What a torrent with this reason waits for.</summary>
    internal static WaitingReason GetWaiting(RefusalReason? reason) => reason switch
    {
        null => WaitingReason.None,
        RefusalReason.StorageError or RefusalReason.RootMissing => WaitingReason.DestinationDisk,
        RefusalReason.NoSpace => WaitingReason.DestinationSpace,
        RefusalReason.Quota => WaitingReason.Quota,
        RefusalReason.NoClient or RefusalReason.ClientUnreachable or RefusalReason.ClientChecking or RefusalReason.ClientRefused
            or RefusalReason.ClientMissingFiles or RefusalReason.NotSeeding => WaitingReason.Client,
        RefusalReason.Incomplete => WaitingReason.Verification,
        { } other when other.GetKind() == RefusalKind.Conflict => WaitingReason.Conflict,
        _ => WaitingReason.Peer,
    };
}
