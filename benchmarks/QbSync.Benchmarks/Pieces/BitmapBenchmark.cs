using BenchmarkDotNet.Attributes;
using BenchmarkDotNet.Configs;
using QbSync.Pieces;

namespace QbSync.Benchmarks.Pieces;

/// <summary>What does a have-bitmap of a large torrent cost to send, to read and to count, against an array of booleans?</summary>
[MemoryDiagnoser]
[GroupBenchmarksBy(BenchmarkLogicalGroupRule.ByCategory)]
[CategoriesColumn]
public class BitmapBenchmark
{
    private const int PieceCount = 200_000;

    private readonly PieceBitmap _bits = new(PieceCount);
    private readonly PieceBitmap _selected = new(PieceCount);
    private readonly bool[] _naive = new bool[PieceCount];
    private readonly bool[] _naiveSelected = new bool[PieceCount];
    private byte[] _packed = [];

    [GlobalSetup]
    public void SetUp()
    {
        var random = new Random(1);
        for (var i = 0; i < PieceCount; i++)
        {
            if (_naive[i] = random.Next(2) == 0)
            {
                _bits.Set(i);
            }

            if (_naiveSelected[i] = random.Next(4) > 0)
            {
                _selected.Set(i);
            }
        }

        _packed = _bits.ToBytes();
    }

    [Benchmark]
    [BenchmarkCategory("Encode")]
    public byte[] Encode() => _bits.ToBytes();

    [Benchmark(Baseline = true)]
    [BenchmarkCategory("Encode")]
    public byte[] EncodeNaive()
    {
        var bytes = new byte[(PieceCount + 7) / 8];
        for (var i = 0; i < PieceCount; i++)
        {
            if (_naive[i])
            {
                bytes[i >> 3] |= (byte)(0x80 >> (i & 7));
            }
        }

        return bytes;
    }

    [Benchmark]
    [BenchmarkCategory("Decode")]
    public PieceBitmap? Decode() => PieceBitmap.TryFromBytes(_packed, PieceCount, out var bits) ? bits : null;

    [Benchmark(Baseline = true)]
    [BenchmarkCategory("Decode")]
    public bool[] DecodeNaive()
    {
        var bits = new bool[PieceCount];
        for (var i = 0; i < PieceCount; i++)
        {
            bits[i] = (_packed[i >> 3] & (0x80 >> (i & 7))) != 0;
        }

        return bits;
    }

    [Benchmark]
    [BenchmarkCategory("Count of selected")]
    public int CountSelected() => _bits.CountAnd(_selected);

    [Benchmark(Baseline = true)]
    [BenchmarkCategory("Count of selected")]
    public int CountSelectedNaive()
    {
        var count = 0;
        for (var i = 0; i < PieceCount; i++)
        {
            count += _naive[i] && _naiveSelected[i] ? 1 : 0;
        }

        return count;
    }

    [Benchmark]
    [BenchmarkCategory("Walk")]
    public int Walk()
    {
        var sum = 0;
        for (var i = _bits.NextSet(0); i >= 0; i = _bits.NextSet(i + 1))
        {
            sum += i;
        }

        return sum;
    }

    [Benchmark(Baseline = true)]
    [BenchmarkCategory("Walk")]
    public int WalkNaive()
    {
        var sum = 0;
        for (var i = 0; i < PieceCount; i++)
        {
            sum += _naive[i] ? i : 0;
        }

        return sum;
    }
}
