using System.Collections.Concurrent;

namespace QbSync.Transport.Security;

/// <summary>The connections that run, so that those of a peer that is trusted no longer can be ended, and ends of certificates be shown. Thread-safe.</summary>
internal sealed class PeerConnections : IDisposable
{
    private readonly PeerTrust? _trust;
    private readonly ConcurrentDictionary<object, Entry> _open = new();

    /// <param name="trust">Null where nobody is asked.</param>
    public PeerConnections(PeerTrust? trust)
    {
        _trust = trust;
        if (trust is not null)
        {
            trust.Changed += EndRevoked;
        }
    }

    /// <summary>Earliest end of a certificate in use, the own one included; null when there is none.</summary>
    public DateTimeOffset? EarliestExpiry
    {
        get
        {
            var earliest = _trust?.OwnExpiry;
            foreach (var entry in _open.Values)
            {
                if (entry.Expiry is { } expiry && !(expiry >= earliest))
                {
                    earliest = expiry;
                }
            }

            return earliest;
        }
    }

    /// <summary>Follows a connection until the result is disposed.</summary>
    /// <param name="end">Ends it; may be called when it has ended.</param>
    public IDisposable Add(IPeerFeature peer, DateTimeOffset? expiry, Action end)
    {
        var entry = new Entry(this, peer, expiry, end);
        _open[entry] = entry;

        // Who was removed between the judgement and now was not in the list when it was looked through.
        if (_trust?.IsTrusted(peer) == false)
        {
            end();
        }

        return entry;
    }

    public void Dispose()
    {
        if (_trust is not null)
        {
            _trust.Changed -= EndRevoked;
        }
    }

    private void EndRevoked()
    {
        foreach (var entry in _open.Values)
        {
            if (!_trust!.IsTrusted(entry.Peer))
            {
                entry.End();
            }
        }
    }

    private sealed class Entry(PeerConnections owner, IPeerFeature peer, DateTimeOffset? expiry, Action end) : IDisposable
    {
        public IPeerFeature Peer => peer;

        public DateTimeOffset? Expiry => expiry;

        public void End() => end();

        public void Dispose() => owner._open.TryRemove(this, out _);
    }
}
