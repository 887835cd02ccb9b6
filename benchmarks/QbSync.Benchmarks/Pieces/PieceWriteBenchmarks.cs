using System.Security.Cryptography;
using System.Text;
using BenchmarkDotNet.Attributes;
using BenchmarkDotNet.Engines;
using Microsoft.Extensions.Logging.Abstractions;
using QbSync.Ports;
using QbSync.Storage;
using QbSync.Storage.Pieces;
using QbSync.Torrents;

namespace QbSync.Benchmarks.Pieces;

/// <summary>What does a torrent's verified write cost over hashing and writing the same bytes in a bare loop?</summary>
[MemoryDiagnoser]
[SimpleJob(RunStrategy.Monitoring, launchCount: 1, warmupCount: 2, iterationCount: 8, invocationCount: 1)]
public class PieceWriteBenchmarks
{
    private const int ChunkLength = 1 << 20;
    private const int PieceLength = 4 << 20;
    private const int PieceCount = 64;
    private readonly byte[] _chunk = new byte[ChunkLength];
    private DirectoryInfo _folder = null!;
    private TorrentStore _store = null!;
    private ITorrentStorage _storage = null!;
    private TorrentManifest _manifest = null!;
    private byte[] _torrent = null!;

    [GlobalSetup]
    public async Task SetUp()
    {
        new Random(1).NextBytes(_chunk);
        _folder = Directory.CreateTempSubdirectory("qbsync-bench-");
        Directory.CreateDirectory(Path.Combine(_folder.FullName, "data"));
        _torrent = MakeTorrent();
        _manifest = TorrentManifest.Parse(_torrent);
        var registry = Prometheus.Metrics.NewCustomRegistry();
        _store = new TorrentStore(
            new StorageOptions
            {
                DataRoot = Path.Combine(_folder.FullName, "data"),
                StateDirectory = Path.Combine(_folder.FullName, "state"),
                MinFreeBytes = 0,
                FlushInterval = TimeSpan.FromMinutes(5),
            },
            Prometheus.Metrics.WithCustomRegistry(registry),
            registry,
            NullLoggerFactory.Instance,
            TimeProvider.System);
        await _store.RecoverAsync(default);
    }

    [GlobalCleanup]
    public async Task CleanUp()
    {
        await _store.DisposeAsync();
        _folder.Delete(recursive: true);
    }

    [IterationSetup(Target = nameof(Torrent))]
    public void Open() => _storage = _store.OpenAsync(
        new StoreRequest
        {
            Source = Guid.Empty,
            Manifest = _manifest,
            Torrent = _torrent,
            Selection = Selection.All(_manifest),
            Place = new Place("", [], ContentLayout.Original),
            Parameters = new TorrentParameters(),
            FileNames = [_manifest.Files[0].Path],
        },
        default).AsTask().GetAwaiter().GetResult().Storage!;

    [IterationCleanup(Target = nameof(Torrent))]
    public void Discard() => _storage.DiscardAsync(false, default).AsTask().GetAwaiter().GetResult();

    [IterationCleanup(Target = nameof(Bare))]
    public void Delete() => File.Delete(Path.Combine(_folder.FullName, "bare"));

    [Benchmark(Baseline = true)]
    public int Bare()
    {
        using var file = File.OpenHandle(
            Path.Combine(_folder.FullName, "bare"), FileMode.CreateNew, FileAccess.Write, preallocationSize: (long)PieceLength * PieceCount);
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
            good += digest.SequenceEqual(_manifest.GetPieceHash(piece).Sha1.Span) ? 1 : 0;
        }

        return good;
    }

    [Benchmark]
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

        return _storage.HeldPieces;
    }

    private byte[] MakeTorrent()
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA1);
        for (var offset = 0; offset < PieceLength; offset += ChunkLength)
        {
            hash.AppendData(_chunk);
        }

        var piece = hash.GetHashAndReset();
        var head = Encoding.ASCII.GetBytes(
            $"d4:infod6:lengthi{(long)PieceLength * PieceCount}e4:name5:bench12:piece lengthi{PieceLength}e6:pieces{piece.Length * PieceCount}:");
        return [.. head, .. Enumerable.Repeat(piece, PieceCount).SelectMany(static bytes => bytes), .. "ee"u8];
    }
}
