namespace QbSync.Transport.Congestion;

/// <summary>What the link does about its window, and when that ends.</summary>
internal sealed partial class LinkModel
{
    private static readonly TimeSpan ForgetAfter = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan ShortestProbe = TimeSpan.FromMilliseconds(200);
    private const long ProbeWindow = 64 * 1024;

    private readonly double _factor = options.Factor;
    private GrowthWatch _growth;
    private TimeSpan? _probeEnds;
    private TimeSpan _sending;
    private TimeSpan? _busySince;
    private TimeSpan _lastBusy;

    public LinkState State { get; private set; }

    /// <summary>When a state ends by time alone, so that waiting senders must be looked after without an event; null when none does.</summary>
    public TimeSpan? NextChange => State == LinkState.RttProbe ? _probeEnds : null;

    /// <summary>Ends what time has ended.</summary>
    public void Advance(TimeSpan now)
    {
        switch (State)
        {
            case LinkState.Startup when _growth.IsFlat(_rate):
                BeginProbe(now);
                break;
            case LinkState.RttProbe when _probeEnds is null && InFlight <= Size:
                _probeEnds = now + (RoundTrip > ShortestProbe ? RoundTrip : ShortestProbe);
                _probe.Begin(now);
                break;
            case LinkState.RttProbe when now >= _probeEnds:
                EndProbe(now);
                break;
            case LinkState.Steady when Sending(now) >= options.RttProbeEvery:
                BeginProbe(now);
                break;
        }
    }

    private void BeginProbe(TimeSpan now)
    {
        State = LinkState.RttProbe;
        _probeEnds = null;
        Resize();
        Advance(now);
    }

    private void EndProbe(TimeSpan now)
    {
        State = LinkState.Steady;
        _probe.End(now);
        _sending = TimeSpan.Zero;
        _busySince = InFlight > 0 ? now : null;
        Resize();
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
        if (InFlight > 0 || now - _lastBusy < ForgetAfter)
        {
            return;
        }

        State = LinkState.Startup;
        _rate.Forget();
        _growth.Reset(_rate);
        _chunkTrips.Forget();
        _probe.Close();
        _probed = null;
        foreach (var window in _windows)
        {
            window.Restart();
        }

        Resize();
    }

    private void Resize()
    {
        var perRoundTrip = Rate * RoundTrip.TotalSeconds;
        Size = State switch
        {
            LinkState.Startup => (long)Math.Max((3 * perRoundTrip) + (2 * _chunks), (double)options.StartWindow * _windows.Count),
            LinkState.RttProbe => (long)Math.Max(
                0.5 * Rate * (NetworkRoundTrip ?? RoundTrip).TotalSeconds, (double)ProbeWindow * _windows.Count),
            LinkState.Steady => (long)Math.Max((_factor * perRoundTrip) + (2 * _chunks), CongestionWindow.Smallest),
        };
    }
}
