namespace QbSync.Transport.Server;

/// <summary>What a call counts as.</summary>
internal enum CallKind
{
    /// <summary>Answered once: counted with all others of its peer.</summary>
    Call = 0,

    /// <summary>Lasts while a link is up: counted apart, so that it takes no place of a call.</summary>
    Watch = 1,

    /// <summary>Counted with the others of its connection.</summary>
    Pieces = 2,
}

/// <summary>
/// What one authenticated peer may have open at a time over all its connections. Asked before a message is read; what is too much is refused alone, and
/// nothing of another peer is. Thread-safe.
/// </summary>
internal sealed class PeerLimits(TransportServerOptions options)
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, PeerUse> _peers = [];

    /// <summary>Counts a connection until the result is disposed; null, with the limit in <paramref name="limit"/>, when there are too many.</summary>
    public PeerConnectionUse? TryConnect(string peer, out string limit)
    {
        limit = $"max-peer-connections: {options.MaxConnections} connections are open.";
        lock (_gate)
        {
            var use = Find_NeedsLock(peer);
            if (use.Connections >= options.MaxConnections)
            {
                return null;
            }

            use.Connections++;
            return new PeerConnectionUse(this, peer);
        }
    }

    /// <summary>Counts a call until <see cref="End"/>; false, with the limit in <paramref name="limit"/>, when there are too many.</summary>
    public bool TryBegin(PeerConnectionUse connection, CallKind kind, out string limit)
    {
        lock (_gate)
        {
            var use = Find_NeedsLock(connection.Peer);
            switch (kind)
            {
                case CallKind.Pieces when connection.Streams >= options.MaxStreams:
                    limit = $"max-peer-streams: {options.MaxStreams} piece streams are open on this connection.";
                    return false;
                case CallKind.Pieces:
                    connection.Streams++;
                    use.Streams++;
                    break;
                case CallKind.Watch when use.Watches >= options.MaxCalls:
                    limit = $"max-peer-calls: {options.MaxCalls} watches are open.";
                    return false;
                case CallKind.Watch:
                    use.Watches++;
                    break;
                case CallKind.Call when use.Calls >= options.MaxCalls:
                    limit = $"max-peer-calls: {options.MaxCalls} calls are being answered.";
                    return false;
                case CallKind.Call:
                    use.Calls++;
                    break;
            }
        }

        limit = "";
        return true;
    }

    /// <summary>A call that was counted is over.</summary>
    public void End(PeerConnectionUse connection, CallKind kind)
    {
        lock (_gate)
        {
            var use = Find_NeedsLock(connection.Peer);
            switch (kind)
            {
                case CallKind.Pieces:
                    connection.Streams--;
                    use.Streams--;
                    break;
                case CallKind.Watch:
                    use.Watches--;
                    break;
                case CallKind.Call:
                    use.Calls--;
                    break;
            }

            Forget_NeedsLock(connection.Peer, use);
        }
    }

    internal void Disconnect(PeerConnectionUse connection)
    {
        lock (_gate)
        {
            var use = Find_NeedsLock(connection.Peer);
            use.Connections--;
            Forget_NeedsLock(connection.Peer, use);
        }
    }

    /// <summary>By its name each time: a connection may be gone, and with it all that was known of its peer, before its first call is counted.</summary>
    private PeerUse Find_NeedsLock(string peer)
    {
        if (!_peers.TryGetValue(peer, out var use))
        {
            _peers.Add(peer, use = new PeerUse());
        }

        return use;
    }

    /// <summary>A connection may go before its last call: the peer is known until all is over.</summary>
    private void Forget_NeedsLock(string peer, PeerUse use)
    {
        if (use is { Connections: 0, Calls: 0, Watches: 0, Streams: 0 })
        {
            _peers.Remove(peer);
        }
    }
}

/// <summary>What a peer has open. Its numbers belong to the limits' gate.</summary>
internal sealed class PeerUse
{
    public int Connections { get; set; }

    public int Calls { get; set; }

    public int Watches { get; set; }

    public int Streams { get; set; }
}

/// <summary>A counted connection of a peer. Its number belongs to the limits' gate. Disposed once, when the connection is closed.</summary>
internal sealed class PeerConnectionUse(PeerLimits limits, string peer) : IDisposable
{
    private int _isDisposed;

    public string Peer => peer;

    public int Streams { get; set; }

    public void Dispose()
    {
        if (Interlocked.Exchange(ref _isDisposed, 1) == 0)
        {
            limits.Disconnect(this);
        }
    }
}
