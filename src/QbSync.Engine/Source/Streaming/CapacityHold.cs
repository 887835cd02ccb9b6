using QbSync.Engine.Shared;

namespace QbSync.Engine.Source.Streaming;

/// <summary>
/// Whether the destination has room for pieces. After a refusal nothing is sent for a while, then a single piece tries. Thread-safe, no clock of its own.
/// </summary>
internal sealed class CapacityHold
{
    private static readonly TimeSpan Longest = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan Shortest = TimeSpan.FromSeconds(5);
    private readonly Lock _gate = new();
    private int _refusals;
    private TimeSpan _until;
    private bool _trying;

    /// <summary>Whether the last word of the destination was that it is full.</summary>
    public bool IsFull
    {
        get
        {
            lock (_gate)
            {
                return _refusals > 0;
            }
        }
    }

    /// <summary>Whether a piece may go now. While the destination is full, the one that may go is the try.</summary>
    public bool TryEnter(TimeSpan now)
    {
        lock (_gate)
        {
            if (_refusals == 0)
            {
                return true;
            }

            if (_trying || now < _until)
            {
                return false;
            }

            _trying = true;
            return true;
        }
    }

    /// <summary>The try did not come to an answer.</summary>
    public void TryEnded()
    {
        lock (_gate)
        {
            _trying = false;
        }
    }

    /// <summary>A piece found no room. Those that were in flight with it say the same and count once.</summary>
    public void Refused(TimeSpan now, TimeSpan retryAfter)
    {
        lock (_gate)
        {
            if (_refusals > 0 && now < _until)
            {
                return;
            }

            _refusals++;
            _trying = false;
            _until = now + new Backoff(retryAfter > TimeSpan.Zero ? retryAfter : Shortest, Longest).After(_refusals);
        }
    }

    /// <summary>A piece was taken after the pause, or the destination announced room.</summary>
    public void Clear()
    {
        lock (_gate)
        {
            _refusals = 0;
            _trying = false;
        }
    }

    /// <summary>A piece was taken: room again, unless it only was on its way when others were refused.</summary>
    public void Taken(TimeSpan now)
    {
        lock (_gate)
        {
            if (_refusals > 0 && now >= _until)
            {
                _refusals = 0;
                _trying = false;
            }
        }
    }
}
