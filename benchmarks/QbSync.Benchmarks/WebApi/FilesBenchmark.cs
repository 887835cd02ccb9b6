using BenchmarkDotNet.Attributes;
using QbSync.QBittorrent.Json;
using QbSync.QBittorrent.Models;
using QbSync.Testing.Clients;

namespace QbSync.Benchmarks.WebApi;

/// <summary>What does the file list of a torrent of many files cost to read? The baseline walks the same text and keeps nothing.</summary>
[MemoryDiagnoser]
public class FilesBenchmark
{
    private byte[] _answer = [];

    [Params(20_000)]
    public int Files { get; set; }

    [GlobalSetup]
    public void SetUp() => _answer = WebApiAnswers.Files(Files);

    [Benchmark]
    public async Task<List<FileRecord>> Read()
    {
        using var stream = new MemoryStream(_answer);
        return await StreamedAnswer.ReadAsync(stream, AnswerReader.Files(), long.MaxValue, CancellationToken.None);
    }

    [Benchmark(Baseline = true)]
    public int Walk() => JsonWalk.Count(_answer);
}
