using QbSync.Torrents;

namespace QbSync.Engine.Source.Tracking;

/// <summary>When the pieces of one downloading torrent have to be asked for. Owned by the monitor.</summary>
internal sealed class WatchedTorrent(int pieceCount)
{
    private static readonly TimeSpan Safety = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan Shortest = TimeSpan.FromMilliseconds(500);
    private (long Completed, long Left, double Progress) _asked;
    private TimeSpan? _askedAt;
    private TimeSpan _took;

    public int PieceCount { get; } = pieceCount;

    /// <summary>Whether its numbers moved, or a minute passed, since its pieces were asked for last; never too soon after that.</summary>
    public bool IsDue(TorrentStatus status, TimeSpan now)
    {
        if (_askedAt is not { } last)
        {
            return true;
        }

        var soonest = _took * 10 > Shortest ? _took * 10 : Shortest;
        return now - last >= soonest && (Numbers(status) != _asked || now - last >= Safety);
    }

    public void Asked(TorrentStatus status, TimeSpan now, TimeSpan took)
    {
        _asked = Numbers(status);
        _askedAt = now;
        _took = took;
    }

    private static (long Completed, long Left, double Progress) Numbers(TorrentStatus status) =>
        (status.CompletedBytes, status.AmountLeft, status.Progress);
}
