using System.Text;
using BenchmarkDotNet.Attributes;
using QbSync.Pieces;
using QbSync.Torrents;

namespace QbSync.Benchmarks.Pieces;

/// <summary>What does it cost to find the parts of a piece among many files, against a bare binary search over their offsets?</summary>
[MemoryDiagnoser]
public class LayoutLookupBenchmarks
{
    private const int PieceLength = 64 * 1024;
    private const int Lookups = 1000;

    private readonly List<PieceSegment> _segments = [];
    private readonly int[] _pieces = new int[Lookups];
    private PieceLayout _layout = null!;
    private long[] _offsets = [];

    [Params(1_000, 500_000)]
    public int Files { get; set; }

    [GlobalSetup]
    public void SetUp()
    {
        var manifest = TorrentManifest.Parse(WideTorrent.Make(Files, PieceLength, 3L * PieceLength / 2));
        _layout = new PieceLayout(manifest, Selection.All(manifest));
        _offsets = [.. manifest.Files.Select(static file => file.Offset)];
        var random = new Random(1);
        for (var i = 0; i < Lookups; i++)
        {
            _pieces[i] = random.Next(manifest.PieceCount);
        }
    }

    [Benchmark(Baseline = true, OperationsPerInvoke = Lookups)]
    public long BinarySearch()
    {
        var sum = 0L;
        foreach (var piece in _pieces)
        {
            sum += Array.BinarySearch(_offsets, (long)piece * PieceLength);
        }

        return sum;
    }

    [Benchmark(OperationsPerInvoke = Lookups)]
    public long Segments()
    {
        var sum = 0L;
        foreach (var piece in _pieces)
        {
            _layout.GetSegments(piece, _segments);
            sum += _segments.Count;
        }

        return sum;
    }
}

/// <summary>How long does it take to lay out a wide torrent, a third of its files unwanted? 50,000 files in 100,000 pieces are to take less than 200 ms.</summary>
[MemoryDiagnoser]
public class LayoutBuildBenchmarks
{
    private const int PieceLength = 64 * 1024;

    private TorrentManifest _manifest = null!;
    private Selection _selection = null!;

    [Params(50_000, 500_000)]
    public int Files { get; set; }

    [GlobalSetup]
    public void SetUp()
    {
        _manifest = TorrentManifest.Parse(WideTorrent.Make(Files, PieceLength, 2L * PieceLength));
        _selection = Selection.Of(_manifest, static file => file.Index % 3 > 0);
    }

    [Benchmark]
    public PieceLayout Build() => new(_manifest, _selection);
}

/// <summary>A <c>.torrent</c> of many files of one length; its hashes are zeros.</summary>
internal static class WideTorrent
{
    public static byte[] Make(int files, int pieceLength, long fileLength)
    {
        using var output = new MemoryStream();
        output.Write("d4:infod5:filesl"u8);
        for (var i = 0; i < files; i++)
        {
            // A byte more or less keeps files off the pieces' edges.
            output.Write(Encoding.ASCII.GetBytes($"d6:lengthi{fileLength + (i % 2 == 0 ? -1 : 1)}e4:pathl8:folder{i % 100:00}15:file{i:0000000}.binee"));
        }

        var pieces = (int)(((files * fileLength) + pieceLength - 1) / pieceLength);
        output.Write(Encoding.ASCII.GetBytes($"e4:name4:root12:piece lengthi{pieceLength}e6:pieces{pieces * 20}:"));
        output.Write(new byte[pieces * 20]);
        output.Write("ee"u8);
        return output.ToArray();
    }
}
