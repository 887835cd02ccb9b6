using Microsoft.Extensions.Time.Testing;
using Prometheus;
using QbSync.Storage.Hardlinks;
using QbSync.Storage.IO;
using QbSync.Storage.State;
using QbSync.Storage.Tests.IO;
using QbSync.Testing.Logging;
using QbSync.Testing.Machine;
using QbSync.Testing.Metrics;
using QbSync.Testing.Waiting;
using QbSync.Torrents;

namespace QbSync.Storage.Tests.Hardlinks;

/// <summary>A linker over a real folder, with virtual time, that can be restarted.</summary>
internal sealed class LinkRig : IAsyncDisposable
{
    private RootDirectory _root = null!;
    private RootDirectory _state = null!;

    public LinkRig()
    {
        Folder.CreateFolder("data");
        Start();
    }

    public TempDirectory Folder { get; } = new();

    public LogErrorGuard Logs { get; } = new();

    public FakeTimeProvider Time { get; } = new();

    public FaultyFileSystem Files { get; } = new();

    public StorageOptions Options { get; } = new();

    public CollectorRegistry Registry { get; private set; } = null!;

    public FileLinker Linker { get; private set; } = null!;

    public List<InfoHash> Woken { get; } = [];

    public static Guid Source { get; } = new(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11);

    /// <summary>A torrent of that number.</summary>
    public static InfoHash Torrent(byte number) => InfoHash.FromBytes([.. Enumerable.Repeat(number, 20)]);

    public static FileIdentity Identity(long size = 5, ulong inode = 77, long modified = 99, ulong device = 4) => new(device, inode, size, modified);

    public async Task RestartAsync()
    {
        await StopAsync();
        Start();
    }

    /// <summary>Makes a file as it is after it got its final name, and offers it.</summary>
    public FileRecord Publish(byte torrent, int file, string name, FileIdentity? identity, string content = "12345")
    {
        File.WriteAllText(Path.Combine(Folder["data"], name), content);
        var record = FileRecord.Of(OwnKind.Published, _root.Files.Stat(_root.Handle, name)!.Value);
        Linker.Published(Torrent(torrent), file, identity, Source, [name], record);
        return record;
    }

    public FileRecord? TryLink(byte torrent, int file, string hiddenName)
    {
        using var folder = _root.OpenFolder([])!;
        return Linker.TryLink(Torrent(torrent), file, folder, hiddenName);
    }

    public FileStat? Stat(string name) => _root.Files.Stat(_root.Handle, name);

    public async Task<double> ReadMetricAsync(string name)
    {
        using var stream = new MemoryStream();
        await MovedSeries.CollectAsync(Registry, stream);
        return System.Text.Encoding.UTF8.GetString(stream.ToArray())
            .Split('\n')
            .Where(line => line.StartsWith(name + " ", StringComparison.Ordinal) || line.StartsWith(name + "{", StringComparison.Ordinal))
            .Sum(line => double.Parse(line[(line.LastIndexOf(' ') + 1)..], System.Globalization.CultureInfo.InvariantCulture));
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        Folder.Dispose();
        Logs.Verify();
        Logs.Dispose();
    }

    private void Start()
    {
        Registry = Prometheus.Metrics.NewCustomRegistry();
        var metrics = new StorageMetrics(Prometheus.Metrics.WithCustomRegistry(Registry), Registry, StorageMetrics.Destination);
        _root = RootDirectory.Open(Files, Folder["data"], create: false);
        _state = RootDirectory.Open(Files, Folder["state"], create: true);
        var logger = Logs.CreateLogger("links");
        Linker = new FileLinker(Options, _root, HardlinkRegistry.Open(_state, metrics, logger), metrics, Time, logger);
        Linker.Wake += Woken.Add;
    }

    private async Task StopAsync()
    {
        await Linker.DisposeAsync().DefaultTimeout();
        _root.Dispose();
        _state.Dispose();
    }
}
