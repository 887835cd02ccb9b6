using QbSync.Engine.Status;

namespace QbSync.Host.Commands.Demo;

/// <summary>Says when a demo is over: everything synced, something failed, or nothing moved for too long.</summary>
internal sealed class ProgressWatch(int torrents, TimeProvider time)
{
    private const string Synced = "Synced", Failed = "Failed";
    private (int Pieces, int Synced) _last = (-1, -1);
    private long _movedAt = time.GetTimestamp();

    public bool IsOver(EngineStatus status, TimeSpan noProgressLimit)
    {
        var now = (status.Torrents.Sum(torrent => torrent.PiecesDone), status.Torrents.Count(torrent => torrent.State == Synced));
        if (now != _last)
        {
            (_last, _movedAt) = (now, time.GetTimestamp());
        }

        return now.Item2 == torrents || status.Torrents.Any(torrent => torrent.State == Failed) || time.GetElapsedTime(_movedAt) > noProgressLimit;
    }

    public IReadOnlyList<string> FindFaults(EngineStatus status)
    {
        List<string> faults = [.. status.Torrents.Where(torrent => torrent.State != Synced)
            .Select(torrent => $"{torrent.Name}: {torrent.PiecesDone} of {torrent.Pieces} pieces, {torrent.State}, waits for {torrent.WaitingFor} {torrent.Reason}")];
        if (status.Torrents.Count < torrents)
        {
            faults.Add($"The source knows {status.Torrents.Count} of {torrents} torrents. {status.Problem}");
        }

        return faults;
    }
}
