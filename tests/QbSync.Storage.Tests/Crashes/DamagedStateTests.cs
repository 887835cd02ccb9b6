using System.Buffers.Binary;
using QbSync.Pieces;
using QbSync.Ports;
using QbSync.Storage.IO;
using QbSync.Storage.State;
using QbSync.Storage.Tests.Pieces;
using QbSync.Testing.FileSystems;
using QbSync.Testing.Specifications;
using QbSync.Testing.Torrents;
using QbSync.Testing.Waiting;

namespace QbSync.Storage.Tests.Crashes;

/// <summary>State that somebody damaged, or that is older than the disk: it is an older truth, or set aside; what it says wrongly is never believed.</summary>
public sealed class DamagedStateTests
{
    private static readonly BuiltTorrent Torrent =
        new TorrentBuilder("t") { PieceLength = 16 * 1024 }.AddFile("a", 40_000).AddFile("b", 80_000).AddFile("c", 20_000).Build();

    private static readonly string Folder = $"{CrashMachine.State}/torrents/{Torrent.Id}";
    private static readonly string JournalPath = $"{Folder}/journal";
    private readonly StoreRequest _request = StoreRig.Request(Torrent, static file => file.Path[^1] != "b");
    private CrashOracle _oracle = null!;

    [SetUp]
    public void SetUp() => _oracle = new CrashOracle();

    [Test]
    [DestinationCase(60)]
    public async Task Journal_EveryPrefix_IsAnOlderTruthOrSetAside()
    {
        var (disk, journal) = await MakeAsync();
        await ForEachAsync(Enumerable.Range(0, journal.Length), (files, length) => files.Truncate(JournalPath, length), disk);
    }

    [Test]
    [DestinationCase(60)]
    public async Task Journal_ZeroFilledFromAnywhere_IsAnOlderTruthOrSetAside()
    {
        var (disk, journal) = await MakeAsync();
        await ForEachAsync(Enumerable.Range(0, journal.Length), (files, from) => files.Overwrite(JournalPath, from, new byte[journal.Length - from + 700]), disk);
    }

    [Test]
    [DestinationCase(60)]
    public async Task Journal_AnyByteChanged_IsAnOlderTruthOrSetAside()
    {
        var (disk, journal) = await MakeAsync();
        await ForEachAsync(Enumerable.Range(0, journal.Length), (files, at) => files.Overwrite(JournalPath, at, [(byte)(journal[at] ^ 0x41)]), disk);
    }

    [TestCase(int.MaxValue)]
    [TestCase(-1)]
    [TestCase(Journal.MaxRecord)]
    [TestCase(Journal.MaxRecord + 1)]
    [DestinationCase(60)]
    public async Task Journal_OfARecordOfHugeLength_IsReadWithLittleMemory(int length)
    {
        var (disk, journal) = await MakeAsync();
        var files = new SimFileSystem(disk.CopyFlushed());
        var bytes = new byte[4];
        BinaryPrimitives.WriteInt32LittleEndian(bytes, length);
        files.Overwrite(JournalPath, journal.Length, bytes);
        files.Truncate(JournalPath, 3L << 30);
        using var state = RootDirectory.Open(files, CrashMachine.State, create: false);
        var records = 0;
        var before = GC.GetAllocatedBytesForCurrentThread();
        var opened = Journal.Open(new SessionFolder(state, Torrent.Id), "journal", JournalHeader.Of(Torrent.Manifest), (_, _) => ++records > 0);
        Assert.That(GC.GetAllocatedBytesForCurrentThread() - before, Is.LessThan(17 << 20));
        Assert.That((opened!.Length, records), Is.EqualTo(((long)journal.Length, records)));
        Assert.That(files.StatPath(JournalPath)!.Value.Length, Is.EqualTo(journal.Length), "the rest is cut off");
    }

    [TestCase("one longer")]
    [TestCase("one shorter")]
    [TestCase("other geometry")]
    [TestCase("other id")]
    [DestinationCase(36)]
    [DestinationCase(60)]
    public async Task Journal_ThatIsNotTheTorrents_IsSetAsideAndTheFilesAreHashedAgain(string what)
    {
        var (disk, _) = await MakeAsync();
        var files = new SimFileSystem(disk.CopyFlushed());
        using (var state = RootDirectory.Open(files, CrashMachine.State, create: false))
        {
            var records = new RecordBatch();
            records.AddRequest(_request);
            // Records hold runs of pieces; how many pieces there are is said by the header.
            var pieces = new PieceBitmap(Torrent.Manifest.PieceCount + (what == "one longer" ? 1 : what == "one shorter" ? -1 : 0));
            for (var piece = 0; piece < pieces.Length; piece++)
            {
                pieces.Set(piece);
            }

            records.AddPieces(RecordType.PiecesHeld, pieces);
            var header = JournalHeader.Of(Torrent.Manifest);
            header = what switch
            {
                "one shorter" => header with { Pieces = header.Pieces - 1 },
                "other geometry" => header with { PieceLength = header.PieceLength * 2 },
                "other id" => header with { Id = new TorrentBuilder("other").Build().Id },
                _ => header,
            };
            Journal.Create(new SessionFolder(state, Torrent.Id), "journal", header, records);
        }

        await using var machine = new CrashMachine(files, [_request]);
        await machine.StartAsync();
        Assert.That(machine.Open[0], Is.Null);
        Assert.That(files.ListAll($"{CrashMachine.State}/quarantine"), Does.Contain($"{CrashMachine.State}/quarantine/{Torrent.Id}.1/journal"));
        await machine.OpenAsync(0);
        Assert.That(machine.Open[0]!.HeldPieces, Is.GreaterThanOrEqualTo(2), "what lies there is hashed, and counts");
        _oracle.CheckRecovered(machine, [Torrent]);
        await machine.FinishAsync([Torrent]);
        _oracle.CheckFinished(machine, [Torrent]);
    }

    [TestCase(true)]
    [TestCase(false)]
    [DestinationCase(37)]
    public async Task State_LostOrFromAnOldBackup_TheFilesAreHashedAndNothingIsSentAgain(bool isLost)
    {
        var files = NewDisk();
        var request = StoreRig.Request(Torrent);
        var backup = new Dictionary<string, byte[]>();
        await using (var machine = new CrashMachine(files, [request]))
        {
            await machine.StartAsync();
            await machine.OpenAsync(0);
            foreach (var path in files.ListAll(CrashMachine.State).Where(path => files.ReadFile(path) is not null))
            {
                backup[path] = files.ReadFile(path)!;
            }

            await machine.FinishAsync([Torrent]);
        }

        foreach (var path in files.ListAll(CrashMachine.State).Reverse())
        {
            files.Delete(path);
        }

        foreach (var (path, bytes) in isLost ? [] : backup)
        {
            files.PutFile(path, bytes);
        }

        var before = files.ListAll(CrashMachine.Data).ToDictionary(static path => path, path => files.StatPath(path));
        await using var again = new CrashMachine(files.Kill(), [request]);
        await again.StartAsync();
        await again.OpenAsync(0);
        Assert.That(again.Open[0]!.HeldPieces, Is.EqualTo(Torrent.Manifest.PieceCount), "nothing is needed");
        await again.FinishAsync([Torrent]);
        _oracle.CheckFinished(again, [Torrent]);
        foreach (var (path, stat) in before)
        {
            Assert.That(again.Files.StatPath(path), Is.EqualTo(stat), path);
        }
    }

    /// <summary>A sync of which one file is final, others are under way, and pieces were lost and came again.</summary>
    private async Task<(SimDisk Disk, byte[] Journal)> MakeAsync()
    {
        var files = NewDisk();
        await using var machine = new CrashMachine(files, [_request]);
        await machine.StartAsync();
        await machine.OpenAsync(0);
        foreach (var pieces in (int[][])[[0, 1], [2], [7]])
        {
            await machine.SendAsync(0, Torrent, pieces);
            await machine.Open[0]!.FlushAsync(default).DefaultTimeout();
        }

        await machine.PublishAsync(0);
        var disk = files.CopyDisk();
        return (disk, new SimFileSystem(disk).ReadFile(JournalPath)!);
    }

    private SimFileSystem NewDisk()
    {
        var files = new SimFileSystem();
        files.AddFolder(CrashMachine.Data);
        files.AddFolder(CrashMachine.State);
        _oracle.AddStrangers(files);
        return files;
    }

    private async Task ForEachAsync(IEnumerable<int> places, Action<SimFileSystem, int> damage, SimDisk disk)
    {
        var setAside = 0;
        foreach (var place in places)
        {
            var files = new SimFileSystem(disk.CopyFlushed());
            damage(files, place);
            await using var machine = new CrashMachine(files, [_request]);
            await machine.StartAsync();
            var isAside = files.ListAll($"{CrashMachine.State}/quarantine").Count > 0;
            setAside += isAside ? 1 : 0;
            Assert.That(machine.Open[0] is null, Is.EqualTo(isAside), $"place {place}");
            _oracle.CheckRecovered(machine, [Torrent]);
            await machine.FinishAsync([Torrent]);
            _oracle.CheckFinished(machine, [Torrent]);
        }

        Assert.That(setAside, Is.Positive);
    }
}
