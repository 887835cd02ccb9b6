using Microsoft.Extensions.Time.Testing;
using Prometheus;
using QbSync.Outcomes;
using QbSync.Pieces;
using QbSync.Ports;
using QbSync.Storage.IO;
using QbSync.Storage.Pieces;
using QbSync.Storage.Tests.IO;
using QbSync.Testing.Logging;
using QbSync.Testing.Machine;
using QbSync.Testing.Metrics;
using QbSync.Testing.Torrents;
using QbSync.Testing.Waiting;
using QbSync.Torrents;

namespace QbSync.Storage.Tests.Pieces;

/// <summary>A store over real folders, with virtual time, that can be stopped, crashed and started again.</summary>
internal sealed class StoreRig : IAsyncDisposable
{
    private readonly Func<FaultyFileSystem> _makeFiles;
    private byte _random;

    public StoreRig(Func<IFileSystem>? makeFiles = null)
    {
        _makeFiles = () => new FaultyFileSystem(makeFiles?.Invoke());
        Files = _makeFiles();
        Folder.CreateFolder("data");
    }

    public TempDirectory Folder { get; } = new();

    public LogErrorGuard Logs { get; } = new();

    public FakeTimeProvider Time { get; } = new();

    public FaultyFileSystem Files { get; private set; }

    public CollectorRegistry Registry { get; private set; } = Prometheus.Metrics.NewCustomRegistry();

    /// <summary>The interval is the longest there is: who lets some seconds pass does not want the store to flush by itself, whenever its thread comes to it.</summary>
    public StorageOptions Options { get; } = new() { MinFreeBytes = 0, FlushInterval = TimeSpan.FromMinutes(5) };

    public TorrentStore Store { get; private set; } = null!;

    public string Data => Folder["data"];

    public string State => Folder["state"];

    public static StoreRequest Request(BuiltTorrent torrent, Func<TorrentFile, bool>? wanted = null, params string[] subPath) => new()
    {
        Source = new Guid(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11),
        Manifest = torrent.Manifest,
        Torrent = torrent.Bytes,
        Selection = Selection.Of(torrent.Manifest, wanted ?? (static _ => true)),
        Place = new Place("", subPath, ContentLayout.Original),
        Parameters = new TorrentParameters { Category = "tv", Tags = ["a", "b"] },
        FileNames = [.. torrent.Manifest.Files.Select(static file => file.IsReal ? file.Path : [])],
    };

    public async Task<IReadOnlyList<ITorrentStorage>> StartAsync()
    {
        Options.DataRoot = Data;
        Options.StateDirectory = State;
        Registry = Prometheus.Metrics.NewCustomRegistry();
        Store = new TorrentStore(
            Options, Prometheus.Metrics.WithCustomRegistry(Registry), Registry, Logs, Time, Files, count => [.. Enumerable.Repeat(++_random, count)]);
        return await Store.RecoverAsync(default).DefaultTimeout();
    }

    public async Task<ITorrentStorage> StartAndOpenAsync(BuiltTorrent torrent, Func<TorrentFile, bool>? wanted = null, params string[] subPath)
    {
        await StartAsync();
        return await OpenAsync(torrent, wanted, subPath);
    }

    public async Task<ITorrentStorage> OpenAsync(BuiltTorrent torrent, Func<TorrentFile, bool>? wanted = null, params string[] subPath)
    {
        var outcome = await Store.OpenAsync(Request(torrent, wanted, subPath), default).DefaultTimeout();
        Assert.That(outcome.Refusal, Is.Null);
        await outcome.Storage!.SettleAsync(null, default).DefaultTimeout();
        return outcome.Storage;
    }

    /// <summary>The process ends without a word, and another one starts on what is there.</summary>
    public async Task<IReadOnlyList<ITorrentStorage>> CrashAndStartAsync(Random? powerCut = null)
    {
        if (powerCut is null)
        {
            Files.Crash();
        }
        else
        {
            Files.CutPower(powerCut);
        }

        Logs.Expect(static entry => entry.Message.Contains("The process is gone", StringComparison.Ordinal));
        await Store.DisposeAsync().DefaultTimeout();
        Files = _makeFiles();
        return await StartAsync();
    }

    public async Task<IReadOnlyList<ITorrentStorage>> RestartAsync()
    {
        await Store.DisposeAsync().DefaultTimeout();
        return await StartAsync();
    }

    /// <summary>Sends a piece as a source does: in chunks, pads left out. The answer to it.</summary>
    public static PieceAckStatus Send(ITorrentStorage storage, BuiltTorrent torrent, int piece, int chunk = 100_000, Action<byte[]>? spoil = null)
    {
        var began = storage.Begin(piece, out var transfer);
        if (began != PieceAckStatus.Pending)
        {
            return began;
        }

        using (transfer)
        {
            var bytes = torrent.ReadPiece(piece);
            spoil?.Invoke(bytes);
            return SendRest(storage, transfer!, piece, bytes, 0, chunk);
        }
    }

    public static PieceAckStatus SendRest(ITorrentStorage storage, IPieceTransfer transfer, int piece, byte[] bytes, int from, int chunk)
    {
        var status = PieceAckStatus.Pending;
        var segments = new List<PieceSegment>();
        storage.Layout.GetSegments(piece, segments);
        var offset = from;
        while (offset < bytes.Length && status == PieceAckStatus.Pending)
        {
            var pad = segments.Find(segment => segment.IsPad && offset >= segment.PieceOffset && offset < segment.PieceOffset + segment.Length);
            if (pad.Length > 0)
            {
                offset = pad.PieceOffset + pad.Length;
                continue;
            }

            var nextPad = segments.Where(segment => segment.IsPad && segment.PieceOffset > offset).Select(static segment => segment.PieceOffset);
            var length = Math.Min(chunk, nextPad.Append(bytes.Length).Min() - offset);
            status = transfer.Write(offset, bytes.AsSpan(offset, length));
            offset += length;
        }

        return status;
    }

    public static void SendAll(ITorrentStorage storage, BuiltTorrent torrent, int chunk = 100_000, int[]? except = null)
    {
        for (var piece = 0; piece < torrent.Manifest.PieceCount; piece++)
        {
            if (storage.Layout.IsSelected(piece) && !storage.CopyHave()[piece] && except?.Contains(piece) != true)
            {
                Assert.That(Send(storage, torrent, piece, chunk), Is.EqualTo(PieceAckStatus.Accepted), $"piece {piece}");
            }
        }
    }

    public static async Task FinishAsync(ITorrentStorage storage)
    {
        foreach (var file in storage.Request.Manifest.Files)
        {
            if (storage.Layout.Selection.IsSelected(file.Index))
            {
                Assert.That(await storage.VerifyFileAsync(file.Index, null, default).DefaultTimeout(), Is.Zero);
                Assert.That(await storage.PublishFilesAsync([file.Index], default).DefaultTimeout(), Is.Null);
                Assert.That(storage.IsPublished(file.Index), Is.True);
            }
        }
    }

    /// <summary>Unfinished files below the data folder.</summary>
    public string[] ListPartials() => Directory.GetFiles(Data, "*.qbsync-part", new EnumerationOptions
    {
        RecurseSubdirectories = true,
        AttributesToSkip = FileAttributes.None,
    });

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
        if (Store is not null)
        {
            await Store.DisposeAsync().DefaultTimeout();
        }

        Folder.Dispose();
        Logs.Verify();
        Logs.Dispose();
    }
}
