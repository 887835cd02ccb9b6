using System.Runtime.CompilerServices;
using Microsoft.Extensions.Time.Testing;
using QbSync.Engine.Destination;
using QbSync.Outcomes;
using QbSync.Pieces;
using QbSync.Ports;
using QbSync.Storage;
using QbSync.Storage.FolderClient;
using QbSync.Storage.Pieces;
using QbSync.Testing.Logging;
using QbSync.Testing.Machine;
using QbSync.Testing.Torrents;
using QbSync.Testing.Waiting;
using QbSync.Torrents;

namespace QbSync.Engine.Tests.Destination.Kit;

/// <summary>A destination engine over a real store and a real folder client on a real disk, in virtual time.</summary>
internal sealed class DiskRig : IAsyncDisposable
{
    private readonly TempDirectory _folder = new();
    private CancellationTokenSource _stop = new();
    private Task _run = Task.CompletedTask;
    private TorrentStore _store = null!;

    public DiskRig()
    {
        Data = _folder.CreateFolder("data");
        Start();
    }

    public FakeTimeProvider Time { get; } = new(new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero));

    public LogErrorGuard Logs { get; } = new();

    public string Data { get; }

    public string State => _folder["state"];

    public DestinationEngine Engine { get; private set; } = null!;

    public FolderTorrentClient Client { get; private set; } = null!;

    /// <summary>Files below the data folder that are not final, our marker aside.</summary>
    public string[] Unfinished => Directory.GetFiles(Data, "*.qbsync-part", new EnumerationOptions { RecurseSubdirectories = true, AttributesToSkip = 0 });

    public void Start()
    {
        _stop = new CancellationTokenSource();
        var registry = Prometheus.Metrics.NewCustomRegistry();
        var metrics = Prometheus.Metrics.WithCustomRegistry(registry);
        _store = new TorrentStore(
            new StorageOptions { DataRoot = Data, StateDirectory = _folder["state"], MinFreeBytes = 0 }, metrics, registry, Logs, Time);
        Client = new FolderTorrentClient(
            new FolderClientOptions { TorrentsDirectory = _folder["torrents"], DataDirectory = Data }, Logs, Time);
        Engine = new DestinationEngine(
            new DestinationOptions { SavePath = Data, DataRoot = Data, MinFreeBytes = 0 }, _store, Client, metrics, registry, Logs, Time, new Random(1));
        _run = Engine.RunAsync(_stop.Token);
    }

    public async Task StopAsync()
    {
        await _stop.CancelAsync();
        await DriveAsync(_run);
        await Engine.DisposeAsync();
        await _store.DisposeAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        _folder.Dispose();
        Logs.Verify();
    }

    public async Task<InitOutcome> InitAsync(InitRequest request)
    {
        while (true)
        {
            var outcome = await DriveAsync(Engine.InitAsync(DestinationRig.Source, request, CancellationToken.None).AsTask());
            if (outcome is not (InitOutcome.Running or InitOutcome.Refused { Refusal.Reason: RefusalReason.Recovering }))
            {
                return outcome;
            }
        }
    }

    public async Task<FinalizeOutcome> FinalizeAsync(FinalizeRequest request)
    {
        while (true)
        {
            var outcome = await DriveAsync(Engine.FinalizeAsync(DestinationRig.Source, request, CancellationToken.None).AsTask());
            if (outcome is not (FinalizeOutcome.Running or FinalizeOutcome.Refused { Refusal.Reason: RefusalReason.Recovering }))
            {
                return outcome;
            }
        }
    }

    /// <summary>Sends pieces that are selected and not held, by an in-process link.</summary>
    public async Task SendAsync(BuiltTorrent torrent, InitOutcome.Open open, InitRequest init, Func<int, bool>? only = null)
    {
        Selection.TryFromBytes(torrent.Manifest, init.Selection.Span, out var selection);
        var layout = new PieceLayout(torrent.Manifest, selection!);
        var sink = new Sink();
        await using var link = Engine.OpenLink(DestinationRig.Source, sink);
        for (var piece = 0; piece < torrent.Manifest.PieceCount; piece++)
        {
            if (layout.IsSelected(piece) && !open.Have[piece] && !open.Deferred[piece] && only?.Invoke(piece) != false)
            {
                var outcome = await link.SendAsync(new BuiltPiece(torrent, piece, open.Epoch), CancellationToken.None);
                Assert.That((outcome, sink.Last.Piece.Index, sink.Last.Status), Is.EqualTo((SendOutcome.Sent, piece, PieceAckStatus.Accepted)));
            }
        }
    }

    public async Task<T> DriveAsync<T>(Task<T> task)
    {
        await DriveAsync((Task)task);
        return await task;
    }

    public Task DriveAsync(Task task) => task.IsCompleted ? Task.CompletedTask : DriveAsync(() => task.IsCompleted);

    /// <summary>Lets virtual time run, while nobody works, until a condition holds.</summary>
    public Task DriveAsync(Func<bool> condition, [CallerArgumentExpression(nameof(condition))] string what = "") =>
        VirtualTime.PassUntilAsync(Time, condition, static _ => TimeSpan.FromMilliseconds(100), static () => { }, () => what);

    private sealed class Sink : IPieceLinkSink
    {
        public PieceAck Last { get; private set; }

        public void OnAck(in PieceAck ack) => Last = ack;

        public void OnLost(PieceRef piece, long attempt, PieceLossCause cause)
        {
        }

        public void OnLinkChanged(bool connected)
        {
        }
    }

    /// <summary>A piece of a built torrent on its way, pads left out.</summary>
    private sealed class BuiltPiece(BuiltTorrent torrent, int piece, ulong epoch) : IChunkSource
    {
        private readonly byte[] _bytes = torrent.ReadPiece(piece);

        public PieceRef Piece => new(torrent.Id, piece);

        public ulong Epoch => epoch;

        public long Attempt => piece;

        public IReadOnlyList<(int Offset, int Length)> Ranges
        {
            get
            {
                List<PieceSegment> segments = [];
                new PieceLayout(torrent.Manifest, Selection.All(torrent.Manifest)).GetSegments(piece, segments);
                return [.. segments.Where(static segment => !segment.IsPad).Select(static segment => (segment.PieceOffset, segment.Length))];
            }
        }

        public bool TryFill(int offset, Span<byte> destination)
        {
            _bytes.AsSpan(offset, destination.Length).CopyTo(destination);
            return true;
        }

        public void Dispose()
        {
        }
    }
}
