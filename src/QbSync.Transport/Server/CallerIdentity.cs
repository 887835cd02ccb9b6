using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using Grpc.Core;
using QbSync.Ports;
using QbSync.Transport.Security;
using QbSync.Transport.Wire;

namespace QbSync.Transport.Server;

/// <summary>Makes a caller of what it says about itself and of who it was found to be.</summary>
internal static class CallerIdentity
{
    /// <summary>Who makes this call.</summary>
    /// <exception cref="RpcException">Nobody authenticated its connection.</exception>
    public static IPeerFeature PeerOf(ServerCallContext context) => context.GetHttpContext().Features.Get<IPeerFeature>() ?? throw StatusMapping.NotTrusted();

    /// <summary>A caller whose source is the peer's own: another peer that names the same id is another source.</summary>
    public static Caller Create(IPeerFeature peer, Guid source, string name) =>
        new(peer.PeerId == KnownPeer.Local.PeerId ? source : Scope(peer.PeerId, source), name) { Peer = peer.PeerId, Grants = peer.Grants };

    private static Guid Scope(string peerId, Guid source)
    {
        var peer = Encoding.UTF8.GetBytes(peerId);
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData("qbsync/source/1"u8);
        Span<byte> length = stackalloc byte[sizeof(int)];
        BinaryPrimitives.WriteInt32BigEndian(length, peer.Length);
        hash.AppendData(length);
        hash.AppendData(peer);
        hash.AppendData(source.ToByteArray());
        return new Guid(hash.GetHashAndReset().AsSpan(0, 16));
    }
}
