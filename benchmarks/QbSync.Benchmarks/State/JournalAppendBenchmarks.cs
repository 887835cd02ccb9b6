using BenchmarkDotNet.Attributes;
using BenchmarkDotNet.Engines;
using QbSync.Ports;
using QbSync.Storage.Pieces;

namespace QbSync.Benchmarks.State;

/// <summary>What does a durable record of a session cost over a bare write and fsync of as many bytes?</summary>
[MemoryDiagnoser]
[SimpleJob(RunStrategy.Monitoring, launchCount: 1, warmupCount: 2, iterationCount: 10, invocationCount: 1)]
public class JournalAppendBenchmarks
{
    private const int Records = 50;
    private const int RecordLength = 17;
    private readonly byte[] _record = new byte[RecordLength];
    private StoreFolder _folder = null!;
    private TorrentStore _store = null!;
    private ITorrentStorage _storage = null!;
    private long _count;

    [GlobalSetup]
    public async Task SetUp()
    {
        _folder = new StoreFolder();
        _store = _folder.Make();
        await _store.RecoverAsync(default);
        _storage = (await _store.OpenAsync(StoreFolder.Request(StoreFolder.MakeTorrent("bench", 1 << 20, 100, new byte[20])), default)).Storage!;
    }

    [GlobalCleanup]
    public async Task CleanUp()
    {
        await _store.DisposeAsync();
        _folder.Dispose();
    }

    [Benchmark(Baseline = true, OperationsPerInvoke = Records)]
    public void Bare()
    {
        using var file = File.OpenHandle(_folder["bare"], FileMode.OpenOrCreate, FileAccess.Write);
        var end = RandomAccess.GetLength(file);
        for (var i = 0; i < Records; i++)
        {
            RandomAccess.Write(file, _record, end + (i * RecordLength));
            RandomAccess.FlushToDisk(file);
        }
    }

    [Benchmark(OperationsPerInvoke = Records)]
    public async Task Journal()
    {
        for (var i = 0; i < Records; i++)
        {
            await _storage.SetUncontactedAsync(TimeSpan.FromSeconds(++_count), default);
        }
    }
}
