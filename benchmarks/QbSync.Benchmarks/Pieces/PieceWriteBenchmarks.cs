using System.Security.Cryptography;
using BenchmarkDotNet.Attributes;
using BenchmarkDotNet.Engines;
using QbSync.Ports;
using QbSync.Storage.Pieces;

namespace QbSync.Benchmarks.Pieces;

/// <summary>
/// What does a torrent's verified write cost over hashing and writing the same bytes in a bare loop? An operation is a MiB, so that the mean is its time and
/// "Allocated" the bytes allocated for it; a ratio of 1.18 is 0.85 of the bare rate.
/// </summary>
[MemoryDiagnoser]
[SimpleJob(RunStrategy.Monitoring, launchCount: 1, warmupCount: 3, iterationCount: 10, invocationCount: 1)]
public class PieceWriteBenchmarks
{
    private const int ChunkLength = 1 << 20;
    private const int PieceLength = 4 << 20;
    private const int PieceCount = 64;
    private const int MiB = PieceCount * (PieceLength / ChunkLength);
    private readonly byte[] _chunk = new byte[ChunkLength];
    private readonly byte[] _hash = new byte[20];
    private StoreFolder _folder = null!;
    private TorrentStore _store = null!;
    private ITorrentStorage _storage = null!;
    private StoreRequest _request = null!;

    [GlobalSetup]
    public async Task SetUp()
    {
        new Random(1).NextBytes(_chunk);
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA1);
        for (var offset = 0; offset < PieceLength; offset += ChunkLength)
        {
            hash.AppendData(_chunk);
        }

        hash.GetHashAndReset(_hash);
        _request = StoreFolder.Request(StoreFolder.MakeTorrent("bench", PieceLength, PieceCount, _hash));
        _folder = new StoreFolder();
        _store = _folder.Make();
        await _store.RecoverAsync(default);
    }

    [GlobalCleanup]
    public async Task CleanUp()
    {
        await _store.DisposeAsync();
        _folder.Dispose();
    }

    [IterationSetup(Target = nameof(Torrent))]
    public void Open() => _storage = _store.OpenAsync(_request, default).AsTask().GetAwaiter().GetResult().Storage!;

    [IterationCleanup(Target = nameof(Torrent))]
    public void Discard() => _storage.DiscardAsync(false, default).AsTask().GetAwaiter().GetResult();

    [IterationCleanup(Target = nameof(Bare))]
    public void Delete() => File.Delete(_folder["bare"]);

    [Benchmark(Baseline = true, OperationsPerInvoke = MiB)]
    public int Bare()
    {
        using var file = File.OpenHandle(_folder["bare"], FileMode.CreateNew, FileAccess.Write, preallocationSize: (long)PieceLength * PieceCount);
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA1);
        Span<byte> digest = stackalloc byte[20];
        var good = 0;
        for (var piece = 0; piece < PieceCount; piece++)
        {
            for (var offset = 0; offset < PieceLength; offset += ChunkLength)
            {
                hash.AppendData(_chunk);
                RandomAccess.Write(file, _chunk, ((long)piece * PieceLength) + offset);
            }

            hash.GetHashAndReset(digest);
            good += digest.SequenceEqual(_hash) ? 1 : 0;
        }

        return good;
    }

    [Benchmark(OperationsPerInvoke = MiB)]
    public int Torrent()
    {
        for (var piece = 0; piece < PieceCount; piece++)
        {
            _storage.Begin(piece, out var transfer);
            for (var offset = 0; offset < PieceLength; offset += ChunkLength)
            {
                transfer!.Write(offset, _chunk);
            }
        }

        return _storage.HeldPieces == PieceCount ? PieceCount : throw new InvalidOperationException("A piece was not taken.");
    }
}
