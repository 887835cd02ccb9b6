namespace QbSync.Transport.Congestion;

/// <summary>Round trips: of the network alone, and of chunks while queues are short.</summary>
internal sealed partial class LinkModel
{
    // Below this a round trip is the jitter of busy hosts, not the way's length.
    private static readonly TimeSpan ShortestRoundTrip = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan MostQueue = TimeSpan.FromMilliseconds(100);

    private readonly RttEstimator _network = new();
    private readonly RttEstimator _chunkTrips = new();
    private TimeSpan? _probed;

    /// <summary>Round trip without queues: the least of small calls and of what TCP knows; null before the first.</summary>
    public TimeSpan? NetworkRoundTrip => _network.Least;

    /// <summary>Round trip that the windows reckon with: what chunks take while queues are short.</summary>
    public TimeSpan RoundTrip
    {
        get
        {
            var trip = _probed ?? _chunkTrips.Least ?? NetworkRoundTrip ?? ShortestRoundTrip;
            if (NetworkRoundTrip is { } network)
            {
                // What is above is somebody else's queue, and who reckons with it fills it for good.
                var most = 1.5 * network > network + MostQueue ? 1.5 * network : network + MostQueue;
                trip = trip < most ? trip : most;
            }

            return trip > ShortestRoundTrip ? trip : ShortestRoundTrip;
        }
    }

    /// <summary>A small call was answered, or TCP told its least round trip.</summary>
    public void OnNetworkRoundTrip(TimeSpan roundTrip, TimeSpan now) => _network.Add(roundTrip, now);

    private void OnRoundTrip(TimeSpan sentAt, TimeSpan roundTrip, TimeSpan now)
    {
        _chunkTrips.Add(roundTrip, now);
        LookForOthers(roundTrip, now);
        if (_probe.Add(sentAt, roundTrip))
        {
            CloseProbe();
        }
    }
}
