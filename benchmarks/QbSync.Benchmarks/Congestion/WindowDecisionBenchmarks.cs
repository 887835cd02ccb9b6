using BenchmarkDotNet.Attributes;
using QbSync.Transport;
using QbSync.Transport.Congestion;

namespace QbSync.Benchmarks.Congestion;

/// <summary>What does a chunk cost in decisions: whether it may go, that it went, and what its report changes, on links of few and many streams?</summary>
[MemoryDiagnoser]
public class WindowDecisionBenchmarks
{
    private const long Plenty = long.MaxValue / 2;
    private static readonly TimeSpan Step = TimeSpan.FromMilliseconds(1);

    private LinkModel _model = null!;
    private CongestionWindow[] _windows = [];
    private TimeSpan _now;
    private int _next;

    [Params(1, 8, 32)]
    public int Streams { get; set; }

    [GlobalSetup]
    public void SetUp()
    {
        _model = new LinkModel(new CongestionOptions());
        _model.OnNetworkRoundTrip(TimeSpan.FromMilliseconds(20), TimeSpan.Zero);
        _windows = new CongestionWindow[Streams];
        for (var i = 0; i < Streams; i++)
        {
            _windows[i] = _model.Add(Plenty, CongestionWindow.Largest, TimeSpan.Zero);
        }

        for (var i = 0; i < 10_000; i++)
        {
            Chunk();
        }
    }

    /// <summary>The question alone.</summary>
    [Benchmark(Baseline = true)]
    public int Room() => _model.Room(_windows[0], 64 * 1024, _now, out _);

    /// <summary>Question, hand-over and, for the oldest in flight, the report.</summary>
    [Benchmark]
    public long Chunk()
    {
        var window = _windows[_next];
        _next = (_next + 1) % _windows.Length;
        _now += Step;
        if (_model.Room(window, 64 * 1024, _now, out _) is > 0 and var room)
        {
            _model.OnHandedOver(window, ChunkWeight.Of(room), _now);
        }

        var received = Math.Max(window.Received, window.HandedOver - (256 * 1024));
        _model.OnReport(window, received, Plenty, 0, TimeSpan.Zero, _now);
        return _model.InFlight;
    }
}
