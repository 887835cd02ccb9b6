using Grpc.Core;

namespace QbSync.Transport.Client;

/// <summary>What the data connections need of the control connection: a session, and the news that it is not known any more. Thread-safe.</summary>
internal interface IPeerSession
{
    /// <summary>Headers that carry the session; says Hello first when there is none. One Hello at a time, whoever waits for it.</summary>
    /// <exception cref="PeerException">The peer did not answer.</exception>
    ValueTask<PeerSessionHandle> GetAsync(CancellationToken cancellationToken);

    /// <summary>The peer does not know this session: the next <see cref="GetAsync"/> says Hello, unless that was done already.</summary>
    void Forget(PeerSessionHandle session);

    /// <summary>Data connections that the peer takes; no limit before it told one.</summary>
    int MostConnections { get; }

    /// <summary>Streams of a connection that the peer takes; no limit before it told one.</summary>
    int MostStreams { get; }
}

/// <summary>A session of the peer.</summary>
/// <param name="Headers">Metadata of every call but Hello. Not changed after it was made.</param>
/// <param name="AnswerWithin">A piece received whole is answered within this.</param>
/// <param name="MaxChunk">Largest payload of one chunk that the peer takes.</param>
internal sealed record PeerSessionHandle(Metadata Headers, TimeSpan AnswerWithin, int MaxChunk)
{
    /// <summary>The peer's incarnation: every answer in this session is of it.</summary>
    public ulong Incarnation { get; init; }

    /// <summary>Data connections that the peer takes.</summary>
    public int MostConnections { get; init; } = int.MaxValue;

    /// <summary>Streams of a connection that the peer takes.</summary>
    public int MostStreams { get; init; } = int.MaxValue;
    /// <summary>The protocol that was agreed on.</summary>
    public uint Protocol { get; init; }

    /// <summary>What both ends can do; nothing else is used.</summary>
    public IReadOnlyList<uint> Capabilities { get; init; } = [];

    /// <summary>For people.</summary>
    public string Software { get; init; } = "";

    /// <summary>What the peer's clock showed; null where it does not tell.</summary>
    public DateTimeOffset? Clock { get; init; }
}
