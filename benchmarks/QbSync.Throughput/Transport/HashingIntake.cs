using System.Collections.Concurrent;
using System.Security.Cryptography;
using Microsoft.Win32.SafeHandles;
using QbSync.Outcomes;
using QbSync.Pieces;
using QbSync.Ports;
using QbSync.Throughput.Measuring;

namespace QbSync.Throughput.Transport;

/// <summary>Hashes and writes pieces, as little as can be done with them. Thread-safe.</summary>
internal sealed class HashingIntake(LayerSettings settings) : IPieceIntake, IDisposable
{
    private readonly byte[] _hashes = File.ReadAllBytes(settings.Hashes);
    private readonly SafeFileHandle _file = File.OpenHandle(settings.Destination, FileMode.Open, FileAccess.Write);
    private readonly ConcurrentStack<Transfer> _unused = [];

    public PieceAckStatus Begin(Caller caller, PieceRef piece, ulong epoch, out IPieceTransfer? transfer)
    {
        var begun = _unused.TryPop(out var used) ? used : new Transfer(this);
        begun.Begin(piece.Index);
        transfer = begun;
        return PieceAckStatus.Pending;
    }

    public void Dispose() => _file.Dispose();

    private sealed class Transfer(HashingIntake intake) : IPieceTransfer
    {
        private readonly IncrementalHash _sha1 = IncrementalHash.CreateHash(HashAlgorithmName.SHA1);
        private int _piece;
        private int _position;

        public void Begin(int piece) => (_piece, _position) = (piece, 0);

        public PieceAckStatus Write(int offset, ReadOnlySpan<byte> data)
        {
            if (offset != _position)
            {
                return PieceAckStatus.Malformed;
            }

            _sha1.AppendData(data);
            RandomAccess.Write(intake._file, data, ((long)_piece * intake.PieceLength) + offset);
            _position += data.Length;
            if (_position < intake.PieceLength)
            {
                return PieceAckStatus.Pending;
            }

            Span<byte> hash = stackalloc byte[SHA1.HashSizeInBytes];
            _sha1.GetHashAndReset(hash);
            var isRight = hash.SequenceEqual(intake._hashes.AsSpan(_piece * hash.Length, hash.Length));
            return isRight ? PieceAckStatus.Accepted : PieceAckStatus.HashMismatch;
        }

        public void Dispose() => intake._unused.Push(this);
    }

    private int PieceLength => settings.PieceLength;
}
