using QbSync.Torrents;

namespace QbSync.Transport.Server;

/// <summary>How much of the budget a torrent may hold beside others.</summary>
internal sealed partial class WriteWorkers
{
    private const long LeastShare = 4 << 20;
    private static readonly TimeSpan Recent = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan CountEvery = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan StallTime = TimeSpan.FromSeconds(2);

    private readonly Dictionary<InfoHash, TorrentQueue> _torrents = [];
    private readonly long _budget;
    private long _countedAt;
    private int _active;

    /// <summary>Weight that a torrent has received and not written.</summary>
    public long GetHeld(InfoHash id)
    {
        lock (Gate)
        {
            return _torrents.TryGetValue(id, out var torrent) ? torrent.Held : 0;
        }
    }

    /// <summary>A stream begins to carry a torrent.</summary>
    public TorrentQueue Attach_NeedsLock(InfoHash id)
    {
        if (!_torrents.TryGetValue(id, out var torrent))
        {
            _torrents.Add(id, torrent = new TorrentQueue(id));
            _countedAt = 0;
        }

        torrent.Lanes++;
        return torrent;
    }

    /// <summary>
    /// Whether a transfer that begins now has to wait: its torrent has its share, or, where its disk stands still, half of what this stream may have on
    /// the way. Only while others have traffic.
    /// </summary>
    /// <param name="allowance">What the lane's stream may have on the way.</param>
    public bool IsOverShare_NeedsLock(FrameLane lane, long allowance)
    {
        var torrent = lane.Torrent;
        var now = _time.GetTimestamp();
        if (_time.GetElapsedTime(torrent.LastTraffic, now) > Recent)
        {
            _countedAt = 0;
        }

        torrent.LastTraffic = now;
        var active = Count_NeedsLock(now);
        return active > 1
            && (torrent.Held >= Math.Max(LeastShare, _budget / active)
                || (lane.IsRunning && lane.Held >= allowance / 2 && _time.GetElapsedTime(lane.RunningSince, now) > StallTime));
    }

    /// <summary>Torrents with traffic just now; counted once a second, when those that nobody carries any more are forgotten too.</summary>
    private int Count_NeedsLock(long now)
    {
        if (_countedAt != 0 && _time.GetElapsedTime(_countedAt, now) < CountEvery)
        {
            return _active;
        }

        _active = 0;
        foreach (var (id, torrent) in _torrents)
        {
            if (_time.GetElapsedTime(torrent.LastTraffic, now) <= Recent)
            {
                _active++;
            }
            else if (torrent.Lanes == 0)
            {
                _torrents.Remove(id);
            }
        }

        _countedAt = now;
        return _active;
    }
}
