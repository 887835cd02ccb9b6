using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using QbSync.Ports;
using QbSync.Storage;
using QbSync.Storage.Pieces;
using QbSync.Torrents;

namespace QbSync.Benchmarks;

/// <summary>A folder of its own with stores over it, removed at the end.</summary>
internal sealed class StoreFolder : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("qbsync-bench-");

    public StoreFolder() => Directory.CreateDirectory(Data);

    public string Data => Path.Combine(_folder.FullName, "data");

    public string this[string name] => Path.Combine(_folder.FullName, name);

    /// <summary>A store as a destination has it, which flushes only when asked.</summary>
    public TorrentStore Make()
    {
        var registry = Prometheus.Metrics.NewCustomRegistry();
        return new TorrentStore(
            new StorageOptions { DataRoot = Data, StateDirectory = this["state"], MinFreeBytes = 0, FlushInterval = TimeSpan.FromMinutes(5) },
            Prometheus.Metrics.WithCustomRegistry(registry),
            registry,
            NullLoggerFactory.Instance,
            TimeProvider.System);
    }

    public static StoreRequest Request(byte[] torrent)
    {
        var manifest = TorrentManifest.Parse(torrent);
        return new StoreRequest
        {
            Source = Guid.Empty,
            Manifest = manifest,
            Torrent = torrent,
            Selection = Selection.All(manifest),
            Place = new Place("", [], ContentLayout.Original),
            Parameters = new TorrentParameters(),
            FileNames = [.. manifest.Files.Select(static file => file.Path)],
        };
    }

    /// <summary>A <c>.torrent</c> of one file whose pieces all have the same hash.</summary>
    public static byte[] MakeTorrent(string name, int pieceLength, int pieces, ReadOnlySpan<byte> hash)
    {
        using var output = new MemoryStream();
        output.Write(Encoding.ASCII.GetBytes(
            $"d4:infod6:lengthi{(long)pieceLength * pieces}e4:name{name.Length}:{name}12:piece lengthi{pieceLength}e6:pieces{20 * pieces}:"));
        for (var piece = 0; piece < pieces; piece++)
        {
            output.Write(hash);
        }

        output.Write("ee"u8);
        return output.ToArray();
    }

    public void Dispose() => _folder.Delete(recursive: true);
}
