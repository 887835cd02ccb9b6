using QbSync.Torrents;

namespace QbSync.Engine.Source.Tracking;

/// <summary>When the pieces of one downloading torrent have to be asked for. Owned by the monitor.</summary>
internal sealed class WatchedTorrent(int pieceCount)
{
    private static readonly TimeSpan Safety = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan Shortest = TimeSpan.FromMilliseconds(500);
    private (long Completed, long Left, double Progress) _asked;
    private TimeSpan _took;
    private bool _isDoubtful;
    private volatile bool _isAsking;

    public int PieceCount { get; } = pieceCount;

    /// <summary>When the last question began; null while there was none.</summary>
    public TimeSpan? AskedAt { get; private set; }

    /// <summary>Whether an answer of another length was told of.</summary>
    public bool WasWarnedOf { get; set; }

    /// <summary>Its client checked or moved it: the pieces that it had then mean nothing, whatever its numbers say.</summary>
    public void Doubt() => _isDoubtful = true;

    /// <summary>Whether its numbers moved, or a minute passed, since its pieces were asked for last; never too soon after that.</summary>
    public bool IsDue(TorrentStatus status, TimeSpan now)
    {
        if (_isAsking)
        {
            return false;
        }

        if (AskedAt is not { } last)
        {
            return true;
        }

        var soonest = _took * 10 > Shortest ? _took * 10 : Shortest;
        return now - last >= soonest && (_isDoubtful || Numbers(status) != _asked || now - last >= Safety);
    }

    /// <summary>Whether nothing is asked since nothing moved: neither is a question on its way, nor was one so just now that the next has to wait.</summary>
    public bool IsIdle(TorrentStatus status) => !_isAsking && !_isDoubtful && AskedAt is not null && Numbers(status) == _asked;

    /// <summary>A question begins.</summary>
    public void Ask(TorrentStatus status, TimeSpan now)
    {
        _isAsking = true;
        _isDoubtful = false;
        _asked = Numbers(status);
        AskedAt = now;
    }

    /// <summary>It was answered, or failed.</summary>
    public void Asked(TimeSpan took)
    {
        _took = took;
        _isAsking = false;
    }

    private static (long Completed, long Left, double Progress) Numbers(TorrentStatus status) =>
        (status.CompletedBytes, status.AmountLeft, status.Progress);
}
