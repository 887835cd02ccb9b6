using QbSync.Engine.Status;

namespace QbSync.Host.Reporting;

/// <summary>What one torrent did from look to look: since when it is as it is, and how fast it goes. Not thread-safe: the maker's.</summary>
internal sealed class TorrentTrack(DateTimeOffset now, TimeSpan at)
{
    private const int RateSamples = 6;
    private readonly Queue<(TimeSpan At, long Bytes)> _samples = new(RateSamples);
    private long _bytes = -1;
    private int _pieces = -1;
    private TimeSpan _movedAt = at;

    /// <summary>Null before the first look.</summary>
    public string? State { get; private set; }

    public DateTimeOffset Since { get; private set; } = now;

    public string WaitingFor { get; private set; } = WaitingWords.None;

    /// <summary>Since when it waits for that.</summary>
    public DateTimeOffset WaitsSince { get; private set; } = now;

    /// <summary>What was told of it last.</summary>
    public TorrentRow? Row { get; set; }

    /// <summary>Bytes a second of the last five seconds; null before two looks.</summary>
    public long? Rate => _samples is { Count: > 1 } && _samples.Last() is var last && _samples.Peek() is var first && last.At > first.At
        ? (long)((last.Bytes - first.Bytes) / (last.At - first.At).TotalSeconds)
        : null;

    public TimeSpan Unmoved(TimeSpan at) => at - _movedAt;

    public void Look(string state, TorrentProgress torrent, bool isPending, DateTimeOffset now, TimeSpan at)
    {
        if (state != State || torrent.BytesMoved != _bytes || torrent.PiecesDone != _pieces)
        {
            _movedAt = at;
        }

        if (state != State)
        {
            Since = State is null ? Since : now;
            State = state;
        }

        if (torrent.BytesMoved < _bytes || !isPending)
        {
            _samples.Clear();
        }

        (_bytes, _pieces) = (torrent.BytesMoved, torrent.PiecesDone);
        if (isPending)
        {
            if (_samples.Count == RateSamples)
            {
                _samples.Dequeue();
            }

            _samples.Enqueue((at, torrent.BytesMoved));
        }
    }

    public void Waits(string what, DateTimeOffset now)
    {
        if (what != WaitingFor)
        {
            (WaitingFor, WaitsSince) = (what, now);
        }
    }
}
