namespace QbSync.Transport.Congestion;

/// <summary>What the link does about its window, and when that ends.</summary>
internal sealed partial class LinkModel
{
    // Two small chunks: more where chunks are large would give most to who has most.
    private const long LeastOfStream = 2 * ChunkSizing.Smallest;
    private const double EvenAt = 896 * 1024;
    private const double Evenness = 0.15;
    private static readonly TimeSpan ForgetAfter = TimeSpan.FromSeconds(60);

    private readonly FactorTrials _factor = new(options);
    private bool _hasBegunSteady;
    private GrowthWatch _growth;
    private TimeSpan _sending;
    private TimeSpan? _busySince;
    private TimeSpan _lastBusy;

    public LinkState State { get; private set; }

    /// <summary>How many times what a round trip delivers may be in flight.</summary>
    public double Factor => _factor.Factor;

    /// <summary>When a state ends by time alone, so that waiting senders must be looked after without an event; null when none does.</summary>
    public TimeSpan? NextChange => State == LinkState.RttProbe ? _probeEnds : null;

    /// <summary>Ends what time has ended.</summary>
    public void Advance(TimeSpan now)
    {
        LookForStandstill(now);
        switch (State)
        {
            case LinkState.Startup when _growth.IsFlat(_rate):
                BeginProbe(now);
                break;
            case LinkState.RttProbe when _probeEnds is null && InFlight <= Size:
                BeginMeasuring(now);
                break;
            case LinkState.RttProbe when now >= _probeEnds:
                EndProbe(now);
                break;
            case LinkState.Steady when IsProbeDue(now):
                BeginProbe(now);
                break;
            case LinkState.Steady:
                _factor.Advance(_rate.Delivered, _rate.RoundsEnded, Rate, RoundTrip, now);
                break;
        }
    }

    /// <summary>Whether some sender waits for a window now.</summary>
    public void OnWaiting(bool isWaiting, TimeSpan now) => _factor.OnWaiting(isWaiting, now);

    /// <summary>Whether TCP had nothing to send when it was looked at.</summary>
    public void OnTcpLimits(bool applicationLimited, TimeSpan now)
    {
        Advance(now);
        if (State == LinkState.Steady)
        {
            _factor.OnTcp(applicationLimited);
        }
    }

    private TimeSpan Sending(TimeSpan now) => _sending + (_busySince is { } since ? now - since : TimeSpan.Zero);

    private void NoteBusy(TimeSpan now)
    {
        _lastBusy = now;
        if (InFlight == 0)
        {
            _sending = Sending(now);
            _busySince = null;
        }
        else
        {
            _busySince ??= now;
        }
    }

    /// <summary>After a minute of nothing in flight nothing that was measured is still true.</summary>
    private void RestartAfterSilence(TimeSpan now)
    {
        if (_rate.InFlight > 0 || now - _lastBusy < ForgetAfter)
        {
            return;
        }

        State = LinkState.Startup;
        _hasBegunSteady = false;
        _factor.Begin(_rate.Delivered, now);
        _rate.Forget();
        _growth.Reset(_rate);
        _chunkTrips.Forget();
        _probe.Close();
        (_probed, _probes) = (null, 0);
        foreach (var window in _windows)
        {
            window.Restart();
        }

        Resize();
    }

    private void Resize()
    {
        var perRoundTrip = Rate * RoundTrip.TotalSeconds;
        var size = State switch
        {
            LinkState.Startup => Math.Max((3 * perRoundTrip) + (2 * _chunks), (double)options.StartWindow * _windows.Count),
            LinkState.RttProbe => GetProbeWindow(),
            LinkState.Steady => (Factor * Even(perRoundTrip)) + Math.Min(2 * _chunks, LeastOfStream * _windows.Count),
        };
        Size = (long)Math.Clamp(size, CongestionWindow.Smallest, Most);
    }

    /// <summary>
    /// Somewhat less than its part for who delivers much, somewhat more for who delivers little: links of several processes that share a way would otherwise keep
    /// for ever whatever parts they began with.
    /// </summary>
    private static double Even(double bytes) => bytes <= 0 ? 0 : bytes * Math.Clamp(Math.Pow(EvenAt / bytes, Evenness), 0.75, 1.25);
}
