using System.Security.Cryptography;
using QbSync.Pieces;
using QbSync.Torrents;

namespace QbSync.Storage.Pieces;

/// <summary>Hashes one piece after the other, fed in order: SHA-1 over all of it, SHA-256 leaves over the part that its merkle tree covers. Not thread-safe.</summary>
internal sealed class PieceHasher : IDisposable
{
    private readonly IncrementalHash _sha1 = IncrementalHash.CreateHash(HashAlgorithmName.SHA1);
    private byte[] _leaves = [];
    private PieceHash _expected;
    private int _leafCount;
    private int _merkleLeft;

    /// <summary>Begins a piece; what is left of an abandoned one is dropped.</summary>
    public void Begin(PieceHash expected)
    {
        _expected = expected;
        _leafCount = 0;
        _merkleLeft = expected.MerkleRoot.IsEmpty ? 0 : expected.MerkleBytes;
        Span<byte> dropped = stackalloc byte[SHA1.HashSizeInBytes];
        _sha1.GetHashAndReset(dropped);
        var needed = (_merkleLeft + MerkleTree.BlockLength - 1) / MerkleTree.BlockLength * SHA256.HashSizeInBytes;
        if (_leaves.Length < needed)
        {
            _leaves = new byte[needed];
        }
    }

    /// <summary>Adds the next bytes: a multiple of 16 KiB, or the last ones.</summary>
    public void Append(ReadOnlySpan<byte> bytes)
    {
        if (!_expected.Sha1.IsEmpty)
        {
            _sha1.AppendData(bytes);
        }

        for (bytes = bytes[..Math.Min(bytes.Length, _merkleLeft)]; !bytes.IsEmpty;)
        {
            var block = bytes[..Math.Min(bytes.Length, MerkleTree.BlockLength)];
            SHA256.HashData(block, _leaves.AsSpan(_leafCount++ * SHA256.HashSizeInBytes));
            _merkleLeft -= block.Length;
            bytes = bytes[block.Length..];
        }
    }

    /// <summary>Whether all that was appended is the piece; a hybrid one must match both ways.</summary>
    public bool Matches()
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        if (!_expected.Sha1.IsEmpty)
        {
            var length = _sha1.GetHashAndReset(hash);
            if (!hash[..length].SequenceEqual(_expected.Sha1.Span))
            {
                return false;
            }
        }

        if (_expected.MerkleRoot.IsEmpty)
        {
            return !_expected.Sha1.IsEmpty;
        }

        MerkleTree.FoldRoot(_leaves.AsSpan(0, _leafCount * SHA256.HashSizeInBytes), _expected.MerkleLeaves, hash);
        return _merkleLeft == 0 && hash.SequenceEqual(_expected.MerkleRoot.Span);
    }

    /// <inheritdoc />
    public void Dispose() => _sha1.Dispose();
}
