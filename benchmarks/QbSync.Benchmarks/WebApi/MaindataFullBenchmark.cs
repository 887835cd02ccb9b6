using BenchmarkDotNet.Attributes;
using QbSync.QBittorrent.Json;
using QbSync.QBittorrent.Models;
using QbSync.Testing.Clients;

namespace QbSync.Benchmarks.WebApi;

/// <summary>What does the whole of a client's torrents cost to read, 1,400 bytes each? The baseline walks the same text and keeps nothing.</summary>
[MemoryDiagnoser]
public class MaindataFullBenchmark
{
    private byte[] _answer = [];

    [Params(5_000)]
    public int Torrents { get; set; }

    [GlobalSetup]
    public void SetUp() => _answer = WebApiAnswers.MainData(Torrents);

    [Benchmark]
    public async Task<MainDataRecord> Read()
    {
        using var stream = new MemoryStream(_answer);
        return await StreamedAnswer.ReadAsync(stream, AnswerReader.MainData(), long.MaxValue, CancellationToken.None);
    }

    [Benchmark(Baseline = true)]
    public int Walk() => JsonWalk.Count(_answer);
}
