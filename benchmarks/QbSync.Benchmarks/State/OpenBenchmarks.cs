using BenchmarkDotNet.Attributes;
using BenchmarkDotNet.Engines;
using QbSync.Ports;
using QbSync.Storage.Pieces;
using QbSync.Torrents;

namespace QbSync.Benchmarks.State;

/// <summary>How long does opening a torrent of 200,000 pieces take, from its bytes to a storage that takes pieces? The baseline reads the manifest alone.</summary>
[MemoryDiagnoser]
[SimpleJob(RunStrategy.Monitoring, launchCount: 1, warmupCount: 2, iterationCount: 10, invocationCount: 1)]
public class OpenBenchmarks
{
    private const int PieceCount = 200_000;
    private const int PieceLength = 16 * 1024; // 3 GiB, which has to fit on the disk though not a byte of it is written
    private readonly byte[] _torrent = StoreFolder.MakeTorrent("large", PieceLength, PieceCount, new byte[20]);
    private StoreFolder _folder = null!;
    private TorrentStore _store = null!;
    private ITorrentStorage? _storage;

    [GlobalSetup]
    public async Task SetUp()
    {
        _folder = new StoreFolder();
        _store = _folder.Make();
        await _store.RecoverAsync(default);
    }

    [IterationCleanup(Target = nameof(Open))]
    public void Discard() => _storage!.DiscardAsync(false, default).AsTask().GetAwaiter().GetResult();

    [GlobalCleanup]
    public async Task CleanUp()
    {
        await _store.DisposeAsync();
        _folder.Dispose();
    }

    [Benchmark(Baseline = true)]
    public TorrentManifest Parse() => TorrentManifest.Parse(_torrent);

    [Benchmark]
    public async Task<int> Open()
    {
        var outcome = await _store.OpenAsync(StoreFolder.Request(_torrent), default);
        _storage = outcome.Storage ?? throw new InvalidOperationException(outcome.Refusal!.Detail);
        return _storage.Layout.SelectedPieceCount;
    }
}
