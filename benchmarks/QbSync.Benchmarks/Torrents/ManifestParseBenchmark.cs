using System.Text;
using BenchmarkDotNet.Attributes;
using QbSync.Torrents;

namespace QbSync.Benchmarks.Torrents;

/// <summary>What does reading a .torrent cost, per byte of hashes and per file? The baseline is a copy of its bytes.</summary>
[MemoryDiagnoser]
public class ManifestParseBenchmark
{
    private const int PieceCount = 100_000;
    private const int PieceLength = 1 << 20;

    private byte[] _torrent = [];

    [Params(1, 1_000, 50_000)]
    public int Files { get; set; }

    [GlobalSetup]
    public void SetUp()
    {
        using var output = new MemoryStream();
        void Write(string text) => output.Write(Encoding.ASCII.GetBytes(text));

        var fileLength = (long)PieceCount * PieceLength / Files;
        Write("d4:infod5:filesl");
        for (var i = 0; i < Files; i++)
        {
            var length = i < Files - 1 ? fileLength : (long)PieceCount * PieceLength - fileLength * (Files - 1);
            Write($"d6:lengthi{length}e4:pathl8:folder{i % 100:00}15:file{i:0000000}.binee");
        }

        Write($"e4:name4:root12:piece lengthi{PieceLength}e6:pieces{PieceCount * 20}:");
        var hashes = new byte[PieceCount * 20];
        new Random(1).NextBytes(hashes);
        output.Write(hashes);
        Write("ee");
        _torrent = output.ToArray();
    }

    [Benchmark]
    public TorrentManifest Parse() => TorrentManifest.Parse(_torrent);

    [Benchmark(Baseline = true)]
    public byte[] Copy() => _torrent.ToArray();
}
