using QbSync.Transport.Security;

namespace QbSync.Transport.Server;

/// <summary>The rate of each peer that has a stream open; one that closes all its streams and opens them again gets nothing ahead of time. Thread-safe.</summary>
internal sealed class PeerRates(TimeProvider time)
{
    /// <summary>Peers without a stream that are remembered: pinned ones are few, and forgetting one costs a second's worth of its rate.</summary>
    private const int MostIdle = 256;

    private readonly Lock _gate = new();
    private readonly Dictionary<string, PeerRate> _rates = [];

    public PeerRate Get(IPeerFeature peer)
    {
        lock (_gate)
        {
            if (!_rates.TryGetValue(peer.PeerId, out var rate))
            {
                if (_rates.Count >= MostIdle)
                {
                    Trim_NeedsLock();
                }

                rate = new PeerRate(() => peer.Grants.Rate, time);
                _rates.Add(peer.PeerId, rate);
            }

            return rate;
        }
    }

    private void Trim_NeedsLock()
    {
        foreach (var (id, rate) in _rates)
        {
            if (rate.Streams == 0)
            {
                _rates.Remove(id);
            }
        }
    }
}
