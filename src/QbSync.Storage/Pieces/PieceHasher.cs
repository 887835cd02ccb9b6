using System.Buffers;
using System.Security.Cryptography;
using QbSync.Pieces;
using QbSync.Torrents;

namespace QbSync.Storage.Pieces;

/// <summary>What a piece's bytes turned out to be.</summary>
internal enum PieceVerdict
{
    /// <summary>Every hash of the manifest matches.</summary>
    Good = 0,

    /// <summary>No hash matches, or the only one does not.</summary>
    Bad = 1,

    /// <summary>Of a hybrid's two hashes one matches and one does not: no bytes can ever be right.</summary>
    Inconsistent = 2,
}

/// <summary>
/// Hashes one piece at a time as its bytes come, by every hash that the manifest has for it: SHA-1 over all of it, the merkle tree of 16 KiB blocks over
/// the bytes of its file. Reused from piece to piece; not thread-safe; the owner disposes it.
/// </summary>
internal sealed class PieceHasher : IDisposable
{
    private const int DigestLength = SHA256.HashSizeInBytes;
    private static readonly byte[] Zeros = new byte[MerkleTree.BlockLength];
    private readonly IncrementalHash _sha1 = IncrementalHash.CreateHash(HashAlgorithmName.SHA1);
    private readonly IncrementalHash _block = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    private byte[] _digests = [];
    private PieceHash _expected;
    private int _digestCount;
    private int _blockFill;
    private int _merkleLeft;

    /// <summary>Begins a piece; what was begun before is forgotten.</summary>
    public void Begin(in PieceHash expected)
    {
        Span<byte> unused = stackalloc byte[DigestLength];
        _sha1.GetHashAndReset(unused);
        _block.GetHashAndReset(unused);
        _expected = expected;
        _digestCount = 0;
        _blockFill = 0;
        _merkleLeft = expected.MerkleRoot.IsEmpty ? 0 : expected.MerkleBytes;
        var needed = (_merkleLeft + MerkleTree.BlockLength - 1) / MerkleTree.BlockLength * DigestLength;
        if (_digests.Length < needed)
        {
            ReturnDigests();
            _digests = ArrayPool<byte>.Shared.Rent(needed);
        }
    }

    /// <summary>The next bytes of the piece.</summary>
    public void Append(ReadOnlySpan<byte> bytes)
    {
        if (!_expected.Sha1.IsEmpty)
        {
            _sha1.AppendData(bytes);
        }

        if (_merkleLeft > 0)
        {
            AppendMerkle(bytes[..Math.Min(bytes.Length, _merkleLeft)]);
        }
    }

    /// <summary>The next bytes of the piece are so many zeros: a pad.</summary>
    public void AppendZeros(int count)
    {
        for (; count > 0; count -= Zeros.Length)
        {
            Append(Zeros.AsSpan(0, Math.Min(count, Zeros.Length)));
        }
    }

    /// <summary>Ends the piece: whether every hash of the manifest matches.</summary>
    public bool Matches() => End() == PieceVerdict.Good;

    /// <summary>Ends the piece.</summary>
    public PieceVerdict End()
    {
        Span<byte> hash = stackalloc byte[DigestLength];
        var hasSha1 = !_expected.Sha1.IsEmpty;
        var sha1 = hasSha1 && hash[.._sha1.GetHashAndReset(hash)].SequenceEqual(_expected.Sha1.Span);
        if (_expected.MerkleRoot.IsEmpty)
        {
            return sha1 ? PieceVerdict.Good : PieceVerdict.Bad;
        }

        EndBlock();
        MerkleTree.FoldRoot(_digests.AsSpan(0, _digestCount * DigestLength), _expected.MerkleLeaves, hash);
        var merkle = _merkleLeft == 0 && hash.SequenceEqual(_expected.MerkleRoot.Span);
        return (hasSha1, sha1, merkle) switch
        {
            (false, _, true) or (true, true, true) => PieceVerdict.Good,
            (false, _, false) or (true, false, false) => PieceVerdict.Bad,
            _ => PieceVerdict.Inconsistent,
        };
    }

    /// <inheritdoc />
    public void Dispose()
    {
        _sha1.Dispose();
        _block.Dispose();
        ReturnDigests();
    }

    private void AppendMerkle(ReadOnlySpan<byte> bytes)
    {
        _merkleLeft -= bytes.Length;
        while (bytes.Length > 0)
        {
            if (_blockFill == 0 && bytes.Length >= MerkleTree.BlockLength)
            {
                SHA256.HashData(bytes[..MerkleTree.BlockLength], _digests.AsSpan(_digestCount++ * DigestLength, DigestLength));
                bytes = bytes[MerkleTree.BlockLength..];
                continue;
            }

            var part = bytes[..Math.Min(bytes.Length, MerkleTree.BlockLength - _blockFill)];
            _block.AppendData(part);
            _blockFill += part.Length;
            bytes = bytes[part.Length..];
            if (_blockFill == MerkleTree.BlockLength)
            {
                EndBlock();
            }
        }
    }

    private void EndBlock()
    {
        if (_blockFill > 0)
        {
            _block.GetHashAndReset(_digests.AsSpan(_digestCount++ * DigestLength, DigestLength));
            _blockFill = 0;
        }
    }

    private void ReturnDigests()
    {
        if (_digests.Length > 0)
        {
            ArrayPool<byte>.Shared.Return(_digests);
            _digests = [];
        }
    }
}
