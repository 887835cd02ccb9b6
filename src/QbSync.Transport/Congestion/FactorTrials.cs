namespace QbSync.Transport.Congestion;

/// <summary>
/// The safety net for a link that carries more than its windows show: where senders wait for windows though TCP itself has nothing to send, the windows'
/// factor is doubled for a while, and stays so if more came through. Pure arithmetic on what it is told; not thread-safe.
/// </summary>
internal sealed class FactorTrials(CongestionOptions options)
{
    private const double MostlyWaiting = 0.8;
    private const double Gain = 1.05;
    private const double Even = 0.9;
    private const int Rounds = 10;
    private static readonly TimeSpan First = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan Every = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan Shortest = TimeSpan.FromSeconds(2);

    // A long way has a large window anyway, and its queue would be felt.
    private static readonly TimeSpan LongestRoundTrip = TimeSpan.FromMilliseconds(200);

    private TimeSpan _since;
    private TimeSpan _next;
    private TimeSpan _waited;
    private TimeSpan? _waitingSince;
    private int _tcpSamples;
    private int _tcpLimited;
    private double? _before;
    private double _rateBefore;
    private long _roundsBefore;
    private long _deliveredBefore;

    /// <summary>How many times what a round trip delivers may be in flight.</summary>
    public double Factor { get; private set; } = options.Factor;

    /// <summary>Whether some sender waits for a window.</summary>
    public void OnWaiting(bool isWaiting, TimeSpan now)
    {
        if (isWaiting)
        {
            _waitingSince ??= now;
        }
        else if (_waitingSince is { } since)
        {
            _waited += now - since;
            _waitingSince = null;
        }
    }

    /// <summary>Whether TCP had nothing to send when it was looked at.</summary>
    public void OnTcp(bool applicationLimited)
    {
        _tcpSamples++;
        _tcpLimited += applicationLimited ? 1 : 0;
    }

    /// <summary>The link begins to be steady, for the first time or after its search.</summary>
    public void Begin(long delivered, TimeSpan now)
    {
        Factor = options.Factor;
        _before = null;
        _next = now + First;
        Count(delivered, now);
    }

    /// <summary>Looks whether a trial is due or over. To be called while the link is steady.</summary>
    /// <param name="largest">Largest bytes a second of the last rounds.</param>
    public void Advance(long delivered, long roundsEnded, double largest, TimeSpan roundTrip, TimeSpan now)
    {
        if (_before is { } before)
        {
            if (roundsEnded - _roundsBefore < Rounds || now - _since < Shortest)
            {
                return;
            }

            // What came through, not the largest samples: bursts look the same in both.
            if (GetRate(delivered, now) >= _rateBefore * Gain)
            {
                Try(delivered, roundsEnded, now);
                return;
            }

            Factor = before;
            _before = null;
            _next = now + GetPause(delivered, largest, now);
            Count(delivered, now);
        }
        else if (now >= _next)
        {
            if (IsHeldByWindows(now) && roundTrip <= LongestRoundTrip)
            {
                Try(delivered, roundsEnded, now);
                return;
            }

            _next = now + GetPause(delivered, largest, now);
            Count(delivered, now);
        }
    }

    /// <summary>A link that delivers much less than at its best moments is a jittery one, not a full one, and a trial that fell into a bad moment says little.</summary>
    private TimeSpan GetPause(long delivered, double largest, TimeSpan now) => GetRate(delivered, now) < Even * largest ? Soon : Every;

    private bool IsHeldByWindows(TimeSpan now)
    {
        var waited = _waited + (_waitingSince is { } since ? now - since : TimeSpan.Zero);
        return waited >= MostlyWaiting * (now - _since) && (_tcpSamples == 0 || 2 * _tcpLimited >= _tcpSamples);
    }

    private double GetRate(long delivered, TimeSpan now) => (delivered - _deliveredBefore) / (now - _since).TotalSeconds;

    private void Try(long delivered, long roundsEnded, TimeSpan now)
    {
        _before = Factor < options.FactorMax ? Factor : null;
        Factor = Math.Min(options.FactorMax, 2 * Factor);
        (_rateBefore, _roundsBefore) = (GetRate(delivered, now), roundsEnded);
        _next = now + Every;
        Count(delivered, now);
    }

    private void Count(long delivered, TimeSpan now)
    {
        _deliveredBefore = delivered;
        _since = now;
        _waited = TimeSpan.Zero;
        _waitingSince = _waitingSince is null ? null : now;
        (_tcpSamples, _tcpLimited) = (0, 0);
    }
}
