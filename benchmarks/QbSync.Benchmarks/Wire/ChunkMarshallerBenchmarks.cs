using System.Buffers;
using BenchmarkDotNet.Attributes;
using BenchmarkDotNet.Configs;
using Google.Protobuf;
using Grpc.Core;
using QbSync.Pieces;
using QbSync.Ports;
using QbSync.Torrents;
using QbSync.Transport.Wire;
using QbSync.Transport.Wire.Protocol;

namespace QbSync.Benchmarks.Wire;

/// <summary>What writing and reading one chunk costs beside generated code, which copies the payload into a new array each time.</summary>
[MemoryDiagnoser]
[GroupBenchmarksBy(BenchmarkLogicalGroupRule.ByCategory)]
[CategoriesColumn]
public class ChunkMarshallerBenchmarks
{
    private readonly Context _context = new();
    private readonly OutgoingFrame _frame = new();
    private readonly ChunkBufferPool _buffers = new();
    private Source _source = null!;
    private ReadOnlySequence<byte> _message;

    [Params(64 << 10, 512 << 10)]
    public int Bytes { get; set; }

    [GlobalSetup]
    public void SetUp()
    {
        _source = new Source(Bytes);
        PieceMarshaller.Write(_frame.SetChunk(300, _source, 0, Bytes, isFirst: true), _context);
        _message = new ReadOnlySequence<byte>(_context.Written.ToArray());
    }

    [Benchmark]
    [BenchmarkCategory("Write")]
    public int Write()
    {
        _context.Clear();
        PieceMarshaller.Write(_frame.SetChunk(300, _source, 0, Bytes, isFirst: true), _context);
        return _context.Written.Length;
    }

    [Benchmark(Baseline = true)]
    [BenchmarkCategory("Write")]
    public int WriteGenerated()
    {
        _context.Clear();
        var frame = new SourceFrame
        {
            Chunk = new PieceChunk
            {
                Transfer = 300,
                Id = UnsafeByteOperations.UnsafeWrap(Source.Id),
                Epoch = 1,
                Piece = 7,
                Data = ByteString.CopyFrom(_source.Bytes),
            },
        };
        _context.SetPayloadLength(frame.CalculateSize());
        frame.WriteTo(_context.GetBufferWriter());
        return _context.Written.Length;
    }

    [Benchmark]
    [BenchmarkCategory("Read")]
    public int Read()
    {
        using var frame = FrameReader.Read(_message, _buffers);
        return frame.Length;
    }

    [Benchmark(Baseline = true)]
    [BenchmarkCategory("Read")]
    public int ReadGenerated() => SourceFrame.Parser.ParseFrom(_message).Chunk.Data.Length;

    private sealed class Source(int length) : IChunkSource
    {
        public static readonly byte[] Id = new byte[20];

        public byte[] Bytes { get; } = new byte[length];

        public PieceRef Piece { get; } = new(InfoHash.FromBytes(Id), 7);

        public ulong Epoch => 1;

        public long Attempt => 1;

        public IReadOnlyList<(int Offset, int Length)> Ranges { get; } = [(0, length)];

        public bool TryFill(int offset, Span<byte> destination)
        {
            Bytes.AsSpan(offset, destination.Length).CopyTo(destination);
            return true;
        }

        public void Dispose()
        {
            // One piece serves all.
        }
    }

    /// <summary>gRPC's side: one buffer, used again.</summary>
    private sealed class Context : SerializationContext
    {
        private readonly ArrayBufferWriter<byte> _writer = new(1 << 20);

        public ReadOnlySpan<byte> Written => _writer.WrittenSpan;

        public void Clear() => _writer.ResetWrittenCount();

        public override void SetPayloadLength(int payloadLength)
        {
        }

        public override IBufferWriter<byte> GetBufferWriter() => _writer;

        public override void Complete()
        {
        }
    }
}
