using BenchmarkDotNet.Attributes;
using QbSync.Pieces;
using QbSync.QBittorrent.Json;
using QbSync.Testing.Clients;

namespace QbSync.Benchmarks.WebApi;

/// <summary>What do a torrent's piece states cost to read, two bytes a piece, straight into a bitmap? The baseline takes a JSON token a piece.</summary>
[MemoryDiagnoser]
public class PieceStatesBenchmark
{
    private byte[] _answer = [];

    [Params(200_000)]
    public int Pieces { get; set; }

    [GlobalSetup]
    public void SetUp() => _answer = WebApiAnswers.PieceStates(Pieces);

    [Benchmark]
    public async Task<PieceBitmap> Read()
    {
        using var stream = new MemoryStream(_answer);
        return await StreamedAnswer.ReadAsync(stream, AnswerReader.PieceStates(Pieces), long.MaxValue, CancellationToken.None);
    }

    [Benchmark(Baseline = true)]
    public int Walk() => JsonWalk.Count(_answer);
}
