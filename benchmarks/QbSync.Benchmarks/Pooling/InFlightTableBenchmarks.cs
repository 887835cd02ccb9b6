using BenchmarkDotNet.Attributes;
using QbSync.Pieces;
using QbSync.Ports;
using QbSync.Torrents;
using QbSync.Transport.Client.Sending;

namespace QbSync.Benchmarks.Pooling;

/// <summary>What does a piece cost in the table of what is in flight, from its first chunk to its answer, when few and when many wait for theirs?</summary>
[MemoryDiagnoser]
public class InFlightTableBenchmarks
{
    private readonly Source _source = new();
    private InFlightPieces _pieces = null!;
    private ulong _oldest;

    /// <summary>Pieces that wait; 4096 of 4 KiB fill the largest window.</summary>
    [Params(4, 256, 4096)]
    public int Waiting { get; set; }

    [GlobalSetup]
    public void SetUp()
    {
        _pieces = new InFlightPieces();
        _oldest = 1;
        for (var i = 0; i < Waiting; i++)
        {
            Send();
        }
    }

    /// <summary>One piece goes, the oldest is answered.</summary>
    [Benchmark]
    public bool SendAndAnswer()
    {
        Send();
        _pieces.OnReceived(long.MaxValue, TimeSpan.Zero);
        return _pieces.Answer(_oldest++, out _) == AnswerKind.InFlight;
    }

    private void Send()
    {
        var transfer = _pieces.Begin(_source, TimeSpan.Zero);
        _pieces.OnChunk(transfer, 4096, TimeSpan.Zero);
        _pieces.OnWhole(transfer, 4096, TimeSpan.Zero);
    }

    private sealed class Source : IChunkSource
    {
        public PieceRef Piece { get; } = new(InfoHash.Parse("0123456789abcdef0123456789abcdef01234567"), 1);

        public ulong Epoch => 1;

        public long Attempt => 1;

        public IReadOnlyList<(int Offset, int Length)> Ranges { get; } = [(0, 4096)];

        public bool TryFill(int offset, Span<byte> destination) => true;

        public void Dispose()
        {
        }
    }
}
