using BenchmarkDotNet.Attributes;
using QbSync.QBittorrent.Json;
using QbSync.QBittorrent.Sync;
using QbSync.Testing.Clients;

namespace QbSync.Benchmarks.WebApi;

/// <summary>What does a poll cost when some of 5,000 torrents have moved on, or none: read, and laid over what was known?</summary>
[MemoryDiagnoser]
public class MaindataChangesBenchmark
{
    private const int Torrents = 5_000;

    private readonly MaindataState _state = new();
    private readonly byte[][] _answers = new byte[2][];
    private int _turn;

    [Params(0, 100)]
    public int Changed { get; set; }

    [GlobalSetup]
    public void SetUp()
    {
        MaindataMerge.Apply(_state, AnswerReader.ReadMainData(WebApiAnswers.MainData(Torrents)));

        // By turns, so that every torrent named has changed each time.
        _answers[0] = Changed == 0 ? """{"rid":2}"""u8.ToArray() : WebApiAnswers.Changes(2, Changed, Torrents);
        _answers[1] = Changed == 0 ? """{"rid":3}"""u8.ToArray() : WebApiAnswers.Changes(3, Changed, Torrents);
    }

    [Benchmark]
    public int ReadAndMerge() => MaindataMerge.Apply(_state, AnswerReader.ReadMainData(_answers[_turn++ & 1])).Changed.Count;

    [Benchmark(Baseline = true)]
    public int Walk() => JsonWalk.Count(_answers[_turn++ & 1]);
}
