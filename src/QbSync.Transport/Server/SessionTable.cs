using Grpc.Core;
using QbSync.Ports;
using QbSync.Transport.Security;
using QbSync.Transport.Wire;

namespace QbSync.Transport.Server;

/// <summary>
/// Who said Hello. A session holds for the peer that it was given to. It is forgotten after ten minutes without a call or stream, when a newer holder of
/// its source's lease says Hello, or, when there are too many, as the one that is idle for longest. Thread-safe.
/// </summary>
internal sealed class SessionTable(TimeProvider time, Func<byte[]> newId)
{
    private const int MaxSessions = 1024;
    private const int MaxSessionsOfOne = 256;
    private const int MaxLeases = 4096;
    private static readonly TimeSpan IdleTime = TimeSpan.FromMinutes(10);
    private readonly Lock _gate = new();
    private readonly Dictionary<Guid, ServerSession> _sessions = [];
    private readonly Dictionary<Guid, ulong> _leases = [];

    /// <summary>A new session; null when a newer holder of the source's lease was here.</summary>
    public ServerSession? Open(Caller caller)
    {
        var session = new ServerSession(newId(), caller);
        lock (_gate)
        {
            if (!TryHold_NeedsLock(caller))
            {
                return null;
            }

            RemoveIdle_NeedsLock(caller.Peer);
            session.LastUsed = time.GetTimestamp();
            _sessions.Add(new Guid(session.Id), session);
        }

        return session;
    }

    /// <summary>Takes the session that a call carries, until the lease is disposed.</summary>
    /// <exception cref="RpcException">It is not known to this peer: the caller has to say Hello.</exception>
    public SessionLease Take(Metadata headers, IPeerFeature peer)
    {
        var bytes = headers.GetValueBytes(SyncLimits.SessionKey);
        if (bytes is { Length: SyncLimits.SessionBytes })
        {
            lock (_gate)
            {
                if (_sessions.TryGetValue(new Guid(bytes), out var session) && session.Caller.Peer == peer.PeerId && !IsOver_NeedsLock(session))
                {
                    session.Users++;
                    return new SessionLease(this, session, session.Caller with { Grants = peer.Grants });
                }
            }
        }

        throw StatusMapping.HelloNeeded();
    }

    private void Release(ServerSession session)
    {
        lock (_gate)
        {
            session.Users--;
            session.LastUsed = time.GetTimestamp();
        }
    }

    private bool TryHold_NeedsLock(Caller caller)
    {
        if (caller.LeaseEpoch == 0)
        {
            return true;
        }

        if (_leases.TryGetValue(caller.Source, out var newest) && newest > caller.LeaseEpoch)
        {
            return false;
        }

        if (_leases.Count >= MaxLeases && !_leases.ContainsKey(caller.Source))
        {
            throw new PeerException(PeerFault.Limit, $"{MaxLeases} sources with a lease are known.");
        }

        _leases[caller.Source] = caller.LeaseEpoch;
        if (newest < caller.LeaseEpoch)
        {
            foreach (var (id, session) in _sessions)
            {
                if (session.Caller.Source == caller.Source && session.Caller.LeaseEpoch < caller.LeaseEpoch)
                {
                    _sessions.Remove(id);
                }
            }
        }

        return true;
    }

    private bool IsOver_NeedsLock(ServerSession session) => session.Users == 0 && time.GetElapsedTime(session.LastUsed) > IdleTime;

    /// <summary>Makes room for one more session of a peer: no peer can take the places of all others.</summary>
    private void RemoveIdle_NeedsLock(string peer)
    {
        var own = 0;
        foreach (var (id, session) in _sessions)
        {
            if (IsOver_NeedsLock(session))
            {
                _sessions.Remove(id);
            }
            else
            {
                own += session.Caller.Peer == peer ? 1 : 0;
            }
        }

        if (own >= MaxSessionsOfOne || _sessions.Count >= MaxSessions)
        {
            var candidates = _sessions.Where(pair => pair.Value.Users == 0 && (own < MaxSessionsOfOne || pair.Value.Caller.Peer == peer));
            var oldest = candidates.MinBy(static pair => pair.Value.LastUsed);
            if (oldest.Value is null)
            {
                throw new PeerException(PeerFault.Limit, $"{Math.Min(own, MaxSessions)} sessions are in use.");
            }

            _sessions.Remove(oldest.Key);
        }
    }

    /// <summary>A use of a session by one call.</summary>
    internal readonly struct SessionLease(SessionTable table, ServerSession session, Caller caller) : IDisposable
    {
        public ServerSession Session => session;

        /// <summary>The caller, with what it may do as it stood when the call came.</summary>
        public Caller Caller => caller;

        public void Dispose() => table.Release(session);
    }
}

/// <summary>What a Hello agreed on: peer, both incarnations, lease, protocol. Its numbers belong to the table's gate.</summary>
internal sealed class ServerSession(byte[] id, Caller caller)
{
    public byte[] Id => id;

    public Caller Caller => caller;

    /// <summary>Calls and streams now.</summary>
    public int Users { get; set; }

    public long LastUsed { get; set; }
}
