namespace QbSync.Testing.Networks;

/// <summary>
/// One direction of a link, as arithmetic: when a packet that comes now gets out at the other end, if it does. The wire is a clock that each packet moves on
/// by the time it takes; what has not left yet is the queue. Times in ticks of <see cref="TimeSpan"/>. Not thread-safe.
/// </summary>
public sealed class Bottleneck(LinkShape shape, int seed)
{
    private readonly Random _random = new(seed);
    private readonly double _ticksPerByte = shape.BitsPerSecond == 0 ? 0 : 8.0 * TimeSpan.TicksPerSecond / shape.BitsPerSecond;
    private readonly double _delay = shape.RoundTrip.Ticks / 2.0;
    private readonly long _limit = shape.BitsPerSecond == 0 ? long.MaxValue : shape.QueueBytes;
    private double _freeAt;
    private long _lastOut;

    /// <summary>Packets and bytes that passed.</summary>
    public long Packets { get; private set; }

    public long Bytes { get; private set; }

    /// <summary>Packets that found the queue full.</summary>
    public long Dropped { get; private set; }

    /// <summary>Packets that were lost at random.</summary>
    public long Lost { get; private set; }

    /// <summary>Longest queue there was, in bytes.</summary>
    public long LongestQueue { get; private set; }

    /// <summary>Takes a packet; false when it is lost.</summary>
    public bool TryPass(int length, long now, out long outAt)
    {
        outAt = 0;
        if (shape.Loss > 0 && _random.NextDouble() < shape.Loss)
        {
            Lost++;
            return false;
        }

        var queue = _ticksPerByte == 0 ? 0 : (long)(Math.Max(0, _freeAt - now) / _ticksPerByte);
        if (queue + length > _limit)
        {
            Dropped++;
            return false;
        }

        LongestQueue = Math.Max(LongestQueue, queue + length);
        _freeAt = Math.Max(_freeAt, now) + (length * _ticksPerByte);
        var jitter = shape.Jitter == TimeSpan.Zero ? 0 : -Math.Log(1 - _random.NextDouble()) * shape.Jitter.Ticks;
        outAt = Math.Max(_lastOut, (long)(_freeAt + _delay + jitter));
        _lastOut = outAt;
        Packets++;
        Bytes += length;
        return true;
    }
}
