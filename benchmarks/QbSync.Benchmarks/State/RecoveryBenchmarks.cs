using BenchmarkDotNet.Attributes;
using BenchmarkDotNet.Engines;
using QbSync.Outcomes;

namespace QbSync.Benchmarks.State;

/// <summary>With 1,000 torrents in the state folder, how long is it from the start to the first byte that is taken? Three seconds are the bound.</summary>
[MemoryDiagnoser]
[SimpleJob(RunStrategy.Monitoring, launchCount: 1, warmupCount: 1, iterationCount: 5, invocationCount: 1)]
public class RecoveryBenchmarks
{
    private const int Torrents = 1000;
    private const int PieceLength = 16 * 1024;
    private readonly byte[] _bytes = new byte[1000];
    private StoreFolder _folder = null!;

    [GlobalSetup]
    public async Task SetUp()
    {
        _folder = new StoreFolder();
        await using var store = _folder.Make();
        await store.RecoverAsync(default);
        for (var i = 0; i < Torrents; i++)
        {
            var outcome = await store.OpenAsync(StoreFolder.Request(StoreFolder.MakeTorrent($"torrent {i}", PieceLength, 200, new byte[20])), default);
            _ = outcome.Storage ?? throw new InvalidOperationException(outcome.Refusal!.Detail);
        }
    }

    [GlobalCleanup]
    public void CleanUp() => _folder.Dispose();

    [Benchmark]
    public async Task<int> RecoverToFirstByte()
    {
        await using var store = _folder.Make();
        var storages = await store.RecoverAsync(default);
        if (storages.Count != Torrents || storages[Torrents - 1].Begin(0, out var transfer) != PieceAckStatus.Pending)
        {
            throw new InvalidOperationException("Not everything came back.");
        }

        using (transfer)
        {
            return (int)transfer!.Write(0, _bytes);
        }
    }
}
