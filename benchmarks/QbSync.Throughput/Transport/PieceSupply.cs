using System.Collections.Concurrent;
using System.Security.Cryptography;
using Microsoft.Win32.SafeHandles;
using QbSync.Pieces;
using QbSync.Ports;
using QbSync.Throughput.Measuring;
using QbSync.Torrents;

namespace QbSync.Throughput.Transport;

/// <summary>
/// Makes pieces to send, in the two ways of the engine: <c>memory</c> reads a piece into a buffer first, which chunks are copied from; <c>file</c> reads each chunk
/// into the link's own buffer. With <c>hash</c> every byte read is hashed. Thread-safe.
/// </summary>
internal sealed class PieceSupply(LayerSettings settings) : IDisposable
{
    public static readonly InfoHash Torrent = InfoHash.Parse("0123456789abcdef0123456789abcdef01234567");

    private const int SliceBytes = 256 << 10;

    private readonly SafeFileHandle _file = File.OpenHandle(settings.Source);
    private readonly ConcurrentStack<Piece> _unused = [];
    private readonly bool _isHashing = settings.IsOn("hash");
    private readonly bool _isInMemory = settings.IsOn("memory");

    public IChunkSource Get(int index)
    {
        var piece = _unused.TryPop(out var used) ? used : new Piece(this);
        piece.Begin(index);
        return piece;
    }

    public void Dispose() => _file.Dispose();

    private sealed class Piece(PieceSupply supply) : IChunkSource
    {
        private readonly byte[] _buffer = supply._isInMemory ? GC.AllocateUninitializedArray<byte>(supply.PieceLength) : [];
        private readonly IncrementalHash _sha1 = IncrementalHash.CreateHash(HashAlgorithmName.SHA1);
        private readonly (int Offset, int Length)[] _ranges = [(0, supply.PieceLength)];
        private int _index;

        PieceRef IChunkSource.Piece => new(Torrent, _index);

        public ulong Epoch => 1;

        public long Attempt => _index;

        public IReadOnlyList<(int Offset, int Length)> Ranges => _ranges;

        public void Begin(int index)
        {
            _index = index;
            for (var offset = 0; offset < _buffer.Length; offset += SliceBytes)
            {
                Read(offset, _buffer.AsSpan(offset, Math.Min(SliceBytes, _buffer.Length - offset)));
            }
        }

        public bool TryFill(int offset, Span<byte> destination)
        {
            if (supply._isInMemory)
            {
                _buffer.AsSpan(offset, destination.Length).CopyTo(destination);
            }
            else
            {
                Read(offset, destination);
            }

            return true;
        }

        public void Dispose()
        {
            if (supply._isHashing)
            {
                Span<byte> hash = stackalloc byte[SHA1.HashSizeInBytes];
                _sha1.GetHashAndReset(hash);
            }

            supply._unused.Push(this);
        }

        private void Read(int offset, Span<byte> destination)
        {
            var count = RandomAccess.Read(supply._file, destination, ((long)_index * supply.PieceLength) + offset);
            if (count != destination.Length)
            {
                throw new IOException("The source file ends too early.");
            }

            if (supply._isHashing)
            {
                _sha1.AppendData(destination);
            }
        }
    }

    private int PieceLength => settings.PieceLength;
}
