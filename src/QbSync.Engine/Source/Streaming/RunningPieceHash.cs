using System.Security.Cryptography;
using QbSync.Pieces;
using QbSync.Torrents;

namespace QbSync.Engine.Source.Streaming;

/// <summary>
/// Hash of a piece whose bytes pass by in order, gaps being pads, that is zeros. Made for the second pass of a large piece: what was verified and what is
/// sent must be the same bytes. Not thread-safe.
/// </summary>
internal sealed class RunningPieceHash : IDisposable
{
    private static readonly byte[] Zeros = new byte[MerkleTree.BlockLength];
    private readonly PieceHash _expected;
    private readonly int _length;
    private readonly IncrementalHash _hash;
    private readonly byte[] _leaves;
    private int _position;
    private int _inBlock;
    private int _leaf;

    public RunningPieceHash(PieceHash expected, int pieceLength)
    {
        _expected = expected;
        IsV1 = !expected.Sha1.IsEmpty;
        _length = IsV1 ? pieceLength : expected.MerkleBytes;
        _hash = IncrementalHash.CreateHash(IsV1 ? HashAlgorithmName.SHA1 : HashAlgorithmName.SHA256);
        _leaves = IsV1 ? [] : new byte[expected.MerkleLeaves * 32];
    }

    private bool IsV1 { get; }

    /// <summary>Takes the bytes at an offset; false when they are behind what was taken already.</summary>
    public bool Append(int offset, ReadOnlySpan<byte> data)
    {
        if (offset < _position)
        {
            return false;
        }

        AppendZeros(offset);
        Feed(data);
        return true;
    }

    /// <summary>Whether the whole piece is what it should be. Call once, at the end.</summary>
    public bool Matches()
    {
        AppendZeros(_length);
        Span<byte> digest = stackalloc byte[32];
        if (IsV1)
        {
            _hash.GetHashAndReset(digest);
            return digest[..20].SequenceEqual(_expected.Sha1.Span);
        }

        CloseLeaf();
        MerkleTree.FoldRoot(_leaves, _expected.MerkleLeaves, digest);
        return digest.SequenceEqual(_expected.MerkleRoot.Span);
    }

    public void Dispose() => _hash.Dispose();

    private void AppendZeros(int upTo)
    {
        while (_position < upTo)
        {
            Feed(Zeros.AsSpan(0, Math.Min(upTo - _position, Zeros.Length)));
        }
    }

    private void Feed(ReadOnlySpan<byte> data)
    {
        _position += data.Length;
        while (!data.IsEmpty)
        {
            var room = IsV1 ? data.Length : Math.Min(data.Length, MerkleTree.BlockLength - _inBlock);
            _hash.AppendData(data[..room]);
            data = data[room..];
            _inBlock += room;
            if (!IsV1 && _inBlock == MerkleTree.BlockLength)
            {
                CloseLeaf();
            }
        }
    }

    private void CloseLeaf()
    {
        if (_inBlock > 0 && _leaf < _expected.MerkleLeaves)
        {
            _hash.GetHashAndReset(_leaves.AsSpan(_leaf * 32, 32));
            _leaf++;
        }

        _inBlock = 0;
    }
}
