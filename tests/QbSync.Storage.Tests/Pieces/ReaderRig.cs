using Prometheus;
using QbSync.Ports;
using QbSync.Storage.Pieces;
using QbSync.Testing.Logging;
using QbSync.Testing.Machine;
using QbSync.Testing.Metrics;
using QbSync.Testing.Torrents;
using QbSync.Torrents;

namespace QbSync.Storage.Tests.Pieces;

/// <summary>A reader over a folder, with its own registry.</summary>
internal sealed class ReaderRig : IDisposable
{
    private readonly CollectorRegistry _registry = Prometheus.Metrics.NewCustomRegistry();

    public ReaderRig(int openFiles = 16, string? root = null, TimeProvider? time = null)
    {
        Reader = new PieceReader(
            new StorageOptions { DataRoot = root ?? "", ReaderOpenFiles = openFiles },
            Prometheus.Metrics.WithCustomRegistry(_registry),
            _registry,
            Logs,
            time ?? TimeProvider.System);
    }

    public LogErrorGuard Logs { get; } = new();

    public TempDirectory Folder { get; } = new();

    public PieceReader Reader { get; }

    public static ContentLocation Locate(TorrentManifest manifest, params string[] folders) => new(
        manifest,
        folders,
        [.. manifest.Files.Select(static file => file.IsReal ? file.Path : [])],
        [$".{manifest.Id}.parts"]);

    public ContentLocation Locate(BuiltTorrent torrent) => Locate(torrent.Manifest, Folder.Path);

    /// <summary>Sum of the samples of a family whose labels hold this text.</summary>
    public async Task<double> ReadMetricAsync(string name, string labels = "")
    {
        using var stream = new MemoryStream();
        await MovedSeries.CollectAsync(_registry, stream);
        return System.Text.Encoding.UTF8.GetString(stream.ToArray())
            .Split('\n')
            .Where(line => (line.StartsWith(name + " ", StringComparison.Ordinal) || line.StartsWith(name + "{", StringComparison.Ordinal))
                && line.Contains(labels, StringComparison.Ordinal))
            .Sum(line => double.Parse(line[(line.LastIndexOf(' ') + 1)..], System.Globalization.CultureInfo.InvariantCulture));
    }

    private void Verify()
    {
        using var stream = new MemoryStream();
        MovedSeries.CollectAsync(_registry, stream).GetAwaiter().GetResult();
        MetricLaws.Verify(System.Text.Encoding.UTF8.GetString(stream.ToArray()));
    }

    public void Dispose()
    {
        Verify();
        Reader.Dispose();
        Verify();
        Folder.Dispose();
        Logs.Verify();
        Logs.Dispose();
    }
}
