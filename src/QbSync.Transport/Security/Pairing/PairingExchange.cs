using System.Buffers.Binary;
using System.Security.Cryptography;

namespace QbSync.Transport.Security;

/// <summary>
/// The arithmetic of a pairing: what each side proves. It is bound to the certificates as this side saw them in this session, since .NET has no TLS exporter; TLS
/// proves that the other holds their keys. Who sits between has other certificates and so another transcript. Pure.
/// </summary>
internal static class PairingExchange
{
    public const int NonceBytes = 32;
    public const int MacBytes = 32;

    public static byte[] NewNonce() => RandomNumberGenerator.GetBytes(NonceBytes);

    /// <summary>What both sides have in common when nobody is between them.</summary>
    public static byte[] Transcript(NodeId dialer, NodeId listener, ReadOnlySpan<byte> dialerNonce, ReadOnlySpan<byte> listenerNonce)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Append(hash, "qbsync/pair/1"u8);
        Append(hash, dialer.ToBytes());
        Append(hash, listener.ToBytes());
        Append(hash, dialerNonce);
        Append(hash, listenerNonce);
        return hash.GetHashAndReset();
    }

    public static byte[] DialerProof(byte[] key, byte[] transcript) => HMACSHA256.HashData(key, (byte[])[.. "dialer"u8, .. transcript]);

    public static byte[] ListenerProof(byte[] key, byte[] transcript) => HMACSHA256.HashData(key, (byte[])[.. "listener"u8, .. transcript]);

    private static void Append(IncrementalHash hash, ReadOnlySpan<byte> value)
    {
        Span<byte> length = stackalloc byte[sizeof(int)];
        BinaryPrimitives.WriteInt32BigEndian(length, value.Length);
        hash.AppendData(length);
        hash.AppendData(value);
    }
}
