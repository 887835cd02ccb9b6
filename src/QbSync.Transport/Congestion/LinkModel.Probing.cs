namespace QbSync.Transport.Congestion;

/// <summary>When and for how long the link lets its queues drain, to see how long the way is without them.</summary>
internal sealed partial class LinkModel
{
    private const long ProbeWindow = 64 * 1024;
    private const double AsShort = 1.1;
    private const double Agrees = 1.25;
    private const double Fell = 0.8;
    private static readonly TimeSpan ShortestProbe = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan LongWay = TimeSpan.FromMilliseconds(300);
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan Unknown = TimeSpan.FromDays(1);

    private readonly RttProbe _probe = new();
    private readonly TimeSpan[] _medians = new TimeSpan[3]; // of the last probes
    private int _probes;
    private TimeSpan? _probeEnds;
    private TimeSpan _probeBegan;
    private TimeSpan _probeEnded;
    private TimeSpan? _probeEvery;
    private TimeSpan _postponedAt;
    private TimeSpan _shortest = Unknown;
    private TimeSpan _usual;

    private TimeSpan ProbeEvery => _probeEvery ?? options.RttProbeEvery;

    // Once that much was sent since the last one; or twice that, whatever others do.
    private bool IsProbeDue(TimeSpan now) => Sending(now) - _postponedAt >= ProbeEvery || Sending(now) >= 2 * ProbeEvery;

    private void BeginProbe(TimeSpan now)
    {
        State = LinkState.RttProbe;
        _probeBegan = now;
        _probeEnds = null;
        _shortest = Unknown;
        Resize();
        Advance(now);
    }

    private void BeginMeasuring(TimeSpan now)
    {
        _probeEnds = now + GetProbeTime(now - _probeBegan);
        _probe.Begin(now);
    }

    private void EndProbe(TimeSpan now)
    {
        State = LinkState.Steady;
        _probe.End(now);
        _probeEnded = now;
        _sending = _postponedAt = TimeSpan.Zero;
        _busySince = InFlight > 0 ? now : null;
        if (!_hasBegunSteady)
        {
            _hasBegunSteady = true;
            _factor.Begin(_rate.Delivered, now);
        }

        Resize();
    }

    // A long drain means that somebody else's bytes are in the queue; who drains it at the same moment may have begun so much later.
    private TimeSpan GetProbeTime(TimeSpan drained)
    {
        var time = RoundTrip;
        if (drained > 2 * time && time <= LongWay)
        {
            time = drained < 4 * time ? drained : 4 * time;
        }

        return time > ShortestProbe ? time : ShortestProbe;
    }

    /// <summary>Next to nothing, so that another link's queue can be told from ours; more on a long way, where that would cost much.</summary>
    private double GetProbeWindow() => Math.Max(
        Math.Clamp(RoundTrip.TotalSeconds, 0.125, 0.5) * Rate * (NetworkRoundTrip ?? RoundTrip).TotalSeconds,
        (double)ProbeWindow * Math.Min(2, _windows.Count));

    /// <summary>
    /// The next probe comes sooner, while it is not clear how long the way is. By the same time for all links on a way, whatever each takes its length for: only so
    /// do their probes fall together.
    /// </summary>
    private void ProbeSoon()
    {
        var soon = (NetworkRoundTrip ?? RoundTrip) > LongWay ? options.RttProbeEvery : Soon;
        _probeEvery = soon < options.RttProbeEvery ? soon : options.RttProbeEvery;
    }

    /// <summary>All chunks of the probe are known.</summary>
    private void CloseProbe()
    {
        // The least of the last ones, because one that nobody else joined has seen their queue.
        var before = _probed;
        if (_probe.Close() is { } median)
        {
            _medians[_probes++ % _medians.Length] = median;
        }

        _probed = null;
        foreach (var known in _medians.AsSpan(0, Math.Min(_probes, _medians.Length)))
        {
            _probed = _probed < known ? _probed : known;
        }

        if (before is { } last && _probed is { } now && now < Agrees * last && last < Agrees * now)
        {
            _probeEvery = null;
        }
        else
        {
            ProbeSoon();
        }
    }

    /// <summary>Sees by the round trip of a chunk when another link on the way drains its queue.</summary>
    private void LookForOthers(TimeSpan roundTrip, TimeSpan now)
    {
        var isSteady = State == LinkState.Steady && now - _probeEnded > 2 * (RoundTrip + ShortestProbe);
        if (roundTrip <= AsShort * _shortest)
        {
            // Whoever waits as long from here on drains at the same moment, and then both see the way itself.
            _shortest = roundTrip < _shortest ? roundTrip : _shortest;
            _postponedAt = Sending(now);
            if (isSteady)
            {
                ProbeSoon();
            }
        }

        _usual = isSteady ? _usual + ((roundTrip - _usual) / 64) : roundTrip;
        if (isSteady && _chunkTrips.Smoothed < Fell * _usual)
        {
            ProbeSoon();
        }
    }
}
