using Grpc.Core;
using QbSync.Ports;
using QbSync.Transport.Security;
using QbSync.Transport.Wire;

namespace QbSync.Transport.Server;

/// <summary>
/// Who said Hello. A session is forgotten after ten minutes without a call or stream, or, when there are too many, the one that is idle for longest.
/// Thread-safe.
/// </summary>
internal sealed class SessionTable(TimeProvider time, Func<byte[]> newId)
{
    private const int MaxSessions = 1024;
    private static readonly TimeSpan IdleTime = TimeSpan.FromMinutes(10);
    private readonly Lock _gate = new();
    private readonly Dictionary<Guid, ServerSession> _sessions = [];

    public ServerSession Open(Caller caller)
    {
        var session = new ServerSession(newId(), caller);
        lock (_gate)
        {
            RemoveIdle_NeedsLock();
            session.LastUsed = time.GetTimestamp();
            _sessions.Add(new Guid(session.Id), session);
        }

        return session;
    }

    /// <summary>Takes the session that a call carries, until the lease is disposed. A session is of no use to another peer than the one that said Hello.</summary>
    /// <exception cref="RpcException">It is not known: the caller has to say Hello.</exception>
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

    /// <summary>Counts one more piece stream of the caller; false when there are <paramref name="limit"/>.</summary>
    public bool TryAddStream(ServerSession session, int limit)
    {
        lock (_gate)
        {
            if (_sessions.Values.Where(other => other.Caller.Source == session.Caller.Source).Sum(other => other.Streams) >= limit)
            {
                return false;
            }

            session.Streams++;
            return true;
        }
    }

    public void RemoveStream(ServerSession session)
    {
        lock (_gate)
        {
            session.Streams--;
        }
    }

    private void Release(ServerSession session)
    {
        lock (_gate)
        {
            session.Users--;
            session.LastUsed = time.GetTimestamp();
        }
    }

    private bool IsOver_NeedsLock(ServerSession session) => session.Users == 0 && time.GetElapsedTime(session.LastUsed) > IdleTime;

    private void RemoveIdle_NeedsLock()
    {
        foreach (var (id, session) in _sessions)
        {
            if (IsOver_NeedsLock(session))
            {
                _sessions.Remove(id);
            }
        }

        if (_sessions.Count >= MaxSessions)
        {
            var oldest = _sessions.Where(pair => pair.Value.Users == 0).MinBy(pair => pair.Value.LastUsed);
            if (oldest.Value is null)
            {
                throw new PeerException(PeerFault.Limit, $"{MaxSessions} sessions are in use.");
            }

            _sessions.Remove(oldest.Key);
        }
    }

    /// <summary>A use of a session by one call.</summary>
    internal readonly struct SessionLease(SessionTable table, ServerSession session, Caller caller) : IDisposable
    {
        public ServerSession Session => session;

        /// <summary>Who calls, with what it may do now.</summary>
        public Caller Caller => caller;

        public void Dispose() => table.Release(session);
    }
}

/// <summary>What a Hello agreed on. Its numbers belong to the table's gate.</summary>
internal sealed class ServerSession(byte[] id, Caller caller)
{
    public byte[] Id => id;

    public Caller Caller => caller;

    /// <summary>Calls and streams now.</summary>
    public int Users { get; set; }

    public int Streams { get; set; }

    public long LastUsed { get; set; }
}
