using System.Globalization;
using QbSync.Engine.Status;
using QbSync.Engine.Tests.Source.World;
using QbSync.Ports;
using QbSync.Storage;
using QbSync.Storage.Pieces;
using QbSync.Testing.Machine;
using QbSync.Testing.Metrics;
using QbSync.Testing.Specifications;
using QbSync.Testing.Torrents;

namespace QbSync.Engine.Tests.Source;

/// <summary>A source over real files: what is open, and what is sent, when they change under it.</summary>
[TestFixture]
internal sealed class SourceFilesTests
{
    private const int Large = 2 << 20;

    [TestCase(1500, 16)]
    [TestCase(20_000, 256, Category = "Long")]
    [SourceCase(44)]
    public async Task ManyFiles_WithFewHandles_AreSentWithinThem(int files, int handles)
    {
        await using var rig = new Rig(handles);
        var builder = new TorrentBuilder("many") { PieceLength = 65536 };
        for (var file = 0; file < files; file++)
        {
            builder.AddFile($"{file / 500}/{file}.bin", 40 + (file % 50));
        }

        var torrent = rig.Add(builder.Build());
        var most = 0.0;
        rig.World.Destination.Pace.OnSending = async _ => most = Math.Max(most, await rig.OpenFilesAsync());
        rig.World.Start();
        await rig.World.PassUntilAsync(() => rig.World.IsSynced(torrent));
        Assert.That(most, Is.InRange(1, handles));
        Assert.That(await rig.OpenFilesAsync(), Is.Zero);
    }

    [TestCase("excluded")]
    [TestCase("removed")]
    [TestCase("synced")]
    [SourceCase(46)]
    public async Task TorrentThatEnds_WhileItIsRead_LeavesNoFileOpen(string how)
    {
        await using var rig = new Rig();
        var world = rig.World;
        var torrent = rig.Add(new TorrentBuilder("large") { Length = 3 * Large, PieceLength = Large }.Build());
        var goOn = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        world.Destination.Pace.OnSending = piece => piece.Index == 2 ? goOn.Task : Task.CompletedTask;
        world.Start();
        await world.PassUntilAsync(() => world.Progress(torrent.Torrent.Id)?.PiecesDone == 2);
        Assert.That(await rig.OpenFilesAsync(), Is.EqualTo(1));

        // The second pass over the last piece is under way: it reads on after the reader was told to close.
        switch (how)
        {
            case "excluded":
                world.Client.Change(() => torrent.Tags.Add("no-sync"));
                await world.PassUntilAsync(() => world.Destination.Count("AbortExcluded") == 1);
                break;
            case "removed":
                world.Client.Remove(torrent);
                await world.PassUntilAsync(() => world.Destination.Count("AbortRemovedAtSource") == 1);
                break;
        }

        goOn.SetResult();
        await world.PassUntilAsync(() => how == "synced" ? world.IsSynced(torrent) : rig.IsQuiet);
        await world.PassAsync(TimeSpan.FromSeconds(5));
        Assert.That(await rig.OpenFilesAsync(), Is.Zero);
    }

    [Test, SourceCase(49)]
    public async Task FileThatChanges_BetweenThePassesOfALargePiece_IsCancelledAndSentAgain()
    {
        await using var rig = new Rig();
        var world = rig.World;
        var torrent = rig.Add(new TorrentBuilder("large") { Length = 3 * Large, PieceLength = Large }.Build());
        var path = Path.Combine(world.Options.Data, "large");
        var changes = 0;
        world.Destination.Pace.OnSending = piece =>
        {
            if (piece.Index == 1 && Interlocked.Increment(ref changes) == 1)
            {
                Flip(path, Large + 1000);
            }

            return Task.CompletedTask;
        };
        world.Start();
        await world.PassUntilAsync(() => Volatile.Read(ref changes) > 0 && world.Progress(torrent.Torrent.Id)?.PiecesDone == 2);
        var link = world.Destination.Link!;
        Assert.That(link.SendsOf(1), Is.Zero, "not a byte of it counts");
        Flip(path, Large + 1000);
        await world.PassUntilAsync(() => world.IsSynced(torrent));
        Assert.That(link.SendsOf(1), Is.EqualTo(1));
        Assert.That(link.Sends, Is.EqualTo(3), "nothing was rejected there");
    }

    [Test, SourceCase(49)]
    public async Task FileReplacedByRename_BetweenPieces_IsReadUnderItsName()
    {
        await using var rig = new Rig();
        var world = rig.World;
        var torrent = rig.Add(new TorrentBuilder("film") { Length = 10 * 16384, PieceLength = 16384 }.Build(), complete: false);
        var path = Path.Combine(world.Options.Data, "film");
        var content = await File.ReadAllBytesAsync(path);
        await File.WriteAllBytesAsync(path, [.. content[..(5 * 16384)], .. new byte[5 * 16384]]);
        world.Client.Change(() => Enumerable.Range(0, 5).ToList().ForEach(piece => torrent.Has.Set(piece)));
        world.Start();
        await world.PassUntilAsync(() => world.Progress(torrent.Torrent.Id)?.PiecesDone == 5);

        await File.WriteAllBytesAsync(path + ".new", content);
        File.Move(path + ".new", path, overwrite: true);
        world.Client.Change(torrent.Has.SetAll);
        await world.PassUntilAsync(() => world.IsSynced(torrent));
        Assert.That(world.Destination.Link!.Sends, Is.EqualTo(10));
        Assert.That(await rig.ReadMetricAsync("qbsync_file_handle_evictions_total"), Is.InRange(1, 2), "once when it was replaced, once at the end");
    }

    [TestCase("the disk")]
    [TestCase("a file")]
    [SourceCase(45)]
    public async Task FilesAway_ForTwoHours_AreWaitedForAndToldOfOnce_WithoutAStrike(string what)
    {
        await using var rig = new Rig();
        var world = rig.World;
        var torrent = rig.Add(new TorrentBuilder("show") { PieceLength = 16384 }.AddFile("e1", 5 * 16384).AddFile("e2", 5 * 16384).Build(), complete: false);
        world.Client.Change(() => torrent.Has.Set(0));
        world.Start();
        await world.PassUntilAsync(() => world.Progress(torrent.Torrent.Id)?.PiecesDone == 1);
        var path = what == "the disk" ? world.Options.Data : Path.Combine(world.Options.Data, "show", "e2");
        Directory.Move(path, path + ".away");
        world.Client.Change(torrent.Has.SetAll);

        await world.PassAsync(TimeSpan.FromHours(2));
        var progress = world.Progress(torrent.Torrent.Id)!;
        Assert.That((progress.State, progress.WaitingFor), Is.EqualTo(("Streaming", WaitingReason.Client)));
        Assert.That(progress.Reason, Does.Contain(what == "the disk" ? "show/e" : "'show/e2'").And.Contain("mounted"));
        Assert.That(world.Log.Entries.Count(static entry => entry.Id.Name == "Held"), Is.EqualTo(1));

        Directory.Move(path + ".away", path);
        await world.PassUntilAsync(() => world.IsSynced(torrent));
        Assert.That(world.Destination.Link!.Sends, Is.EqualTo(10));
        Assert.That(world.Log.Entries.Count(static entry => entry.Id.Name == "Strike"), Is.Zero);
    }

    [Test, SourceCase(36)]
    public async Task RootDoubledInTheClientsWordsAlone_IsNotDoubledThere()
    {
        await using var rig = new Rig();
        var world = rig.World;
        var torrent = rig.Add(new TorrentBuilder("show") { PieceLength = 16384 }.AddFile("s1/e1", 20_000).AddFile("s1/e2", 30_000).Build());
        torrent.ToldContentPath = "/downloads/show/show";
        InitRequest? asked = null;
        world.Destination.OnInit = request =>
        {
            asked = request;
            return null;
        };
        world.Start();
        await world.PassUntilAsync(() => world.IsSynced(torrent));
        Assert.That(asked!.Place.SubPath, Is.Empty);
    }

    private static void Flip(string path, int at)
    {
        using var file = File.Open(path, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete);
        file.Position = at;
        var value = file.ReadByte();
        file.Position = at;
        file.WriteByte((byte)(value ^ 1));
    }

    private sealed class Rig : IAsyncDisposable
    {
        private readonly TempDirectory _folder = new();
        private readonly PieceReader _reader;
        private readonly Prometheus.CollectorRegistry _registry = Prometheus.Metrics.NewCustomRegistry();

        public Rig(int openFiles = 64)
        {
            World = new SourceWorld();
            World.Options.Data = _folder.CreateFolder("data");
            World.Options.ReadAhead = 4 << 20;
            var storage = new StorageOptions { DataRoot = World.Options.Data, StateDirectory = _folder["state"], ReaderOpenFiles = openFiles };
            _reader = new PieceReader(storage, Prometheus.Metrics.WithCustomRegistry(_registry), _registry, World.Log, World.Time);
            World.Reader = _reader;
        }

        public SourceWorld World { get; }

        /// <summary>Whether nothing is on its way to the link.</summary>
        public bool IsQuiet => World.Destination.Link!.Held == 0;

        public ScriptedTorrent Add(BuiltTorrent torrent, bool complete = true)
        {
            torrent.WriteContent(World.Options.Data);
            return World.Client.Add(torrent, complete);
        }

        public Task<double> OpenFilesAsync() => ReadMetricAsync("qbsync_open_file_handles");

        public async Task<double> ReadMetricAsync(string name)
        {
            using var text = new MemoryStream();
            await MovedSeries.CollectAsync(_registry, text);
            var lines = System.Text.Encoding.UTF8.GetString(text.ToArray()).Split('\n').Where(line => line.StartsWith(name, StringComparison.Ordinal));
            return lines.Sum(static line => double.Parse(line[(line.LastIndexOf(' ') + 1)..], CultureInfo.InvariantCulture));
        }

        public async ValueTask DisposeAsync()
        {
            await World.DisposeAsync();
            _reader.Dispose();
            _folder.Dispose();
        }
    }
}
