using QbSync.Transport.Congestion;

namespace QbSync.Transport.Client.Sending;

/// <summary>
/// A limit in bytes a second: over any t seconds at most rate x t + burst pass, also when the rate changes. The burst holds a chunk of a link with that
/// rate; a larger one, cut for an earlier rate, passes when the bucket is full and is paid for later. Times are passed in; not thread-safe.
/// </summary>
internal sealed class TokenBucket
{
    private long _rate;
    private double _tokens;
    private TimeSpan _filledAt;

    /// <summary>Bytes a second; 0 = no limit.</summary>
    public long Rate => _rate;

    /// <summary>Most that passes at once.</summary>
    public double Burst => Math.Max(ChunkSizing.Limited(ChunkSizing.Largest, _rate), _rate * 0.25);

    /// <summary>In force at once. What was saved up is not more than the new burst.</summary>
    public void SetRate(long bytesPerSecond, TimeSpan now)
    {
        Fill(now);
        var wasUnlimited = _rate == 0;
        _rate = bytesPerSecond;
        _tokens = wasUnlimited ? 0 : Math.Min(_tokens, Burst);
        _filledAt = now;
    }

    /// <summary>Takes and gives zero, or takes nothing and gives how long to wait.</summary>
    public TimeSpan Take(int bytes, TimeSpan now)
    {
        if (_rate == 0)
        {
            return TimeSpan.Zero;
        }

        Fill(now);
        var needed = Math.Min(bytes, Burst);
        if (_tokens >= needed)
        {
            _tokens -= bytes;
            return TimeSpan.Zero;
        }

        // Rounded up: a wait that is a tick short would be taken again and again.
        return TimeSpan.FromTicks((long)Math.Ceiling((needed - _tokens) / _rate * TimeSpan.TicksPerSecond) + 1);
    }

    private void Fill(TimeSpan now)
    {
        if (_rate > 0 && now > _filledAt)
        {
            _tokens = Math.Min(Burst, _tokens + (_rate * (now - _filledAt).TotalSeconds));
        }

        _filledAt = now;
    }
}
