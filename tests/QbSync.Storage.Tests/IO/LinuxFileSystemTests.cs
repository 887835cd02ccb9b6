using QbSync.Storage.IO;
using QbSync.Testing.Machine;
using QbSync.Testing.Specifications;

namespace QbSync.Storage.Tests.IO;

[TestFixture(0)]
[TestFixture(1)]
[TestFixture(3)]
[TestFixture(7)]
public sealed class LinuxFileSystemTests(int without)
{
    private TempDirectory _folder = null!;
    private IFileSystem _files = null!;
    private RootDirectory _root = null!;

    [SetUp]
    public void SetUp()
    {
        _folder = new TempDirectory();
        _files = new LinuxFileSystem((LinuxCalls)without);
        _root = RootDirectory.Open(_files, _folder.Path, create: false);
    }

    [TearDown]
    public void TearDown()
    {
        _root.Dispose();
        _folder.Dispose();
    }

    [Test]
    public void AFolderBelow_IsMadeAndOpened_AndAnAbsentOneIsNull()
    {
        Assert.That(_root.OpenFolder(["a", "b"]), Is.Null);
        var created = new List<int>();
        _root.EnsureFolder(["a", "b", "c"], created).Dispose();
        Assert.That(created, Is.EqualTo(new[] { 1, 2, 3 }));
        created.Clear();
        _root.EnsureFolder(["a", "b", "d"], created).Dispose();
        Assert.That(created, Is.EqualTo(new[] { 3 }));
        using var folder = _root.OpenFolder(["a", "b"]);
        Assert.That(_files.List(folder!), Is.EquivalentTo(new[] { "c", "d" }));
    }

    [Test]
    public void NoLinkAndNoDots_LeadOutOfARoot()
    {
        using var outside = new TempDirectory();
        File.WriteAllText(outside["secret"], "x");
        Directory.CreateSymbolicLink(_folder["link"], outside.Path);
        File.CreateSymbolicLink(_folder["leaf"], outside["secret"]);
        File.WriteAllText(_folder["file"], "x");
        foreach (var path in new string[][] { ["link"], ["link", "x"], [".."], ["."], ["file", "x"], ["a/../../b"] })
        {
            Assert.That(() => _root.OpenFolder(path)?.Dispose(), Refuses(), string.Join('/', path));
        }

        Assert.That(() => _files.OpenFile(_root.Handle, "leaf", writable: true)?.Dispose(), Refuses());
        Assert.That(() => _files.OpenFile(_root.Handle, "../secret", writable: false)?.Dispose(), Refuses());
        Assert.That(() => _files.OpenFile(_root.Handle, "link", writable: false)?.Dispose(), Refuses());
        Assert.That(_files.CreateFile(_root.Handle, "leaf"), Is.Null, "the name is taken");
        Assert.That(_files.Stat(_root.Handle, "leaf")!.Value.Kind, Is.EqualTo(FileKind.SymbolicLink));
    }

    [Test]
    [DestinationCase(67)]
    public void Renaming_NeverReplaces()
    {
        Assert.That(() => _files.RenameNew(_root.Handle, "absent", _root.Handle, "new"), Throws.TypeOf<StorageException>());
        Assert.That(File.Exists(_folder["new"]), Is.False);
        File.WriteAllText(_folder["a"], "a");
        File.WriteAllText(_folder["b"], "b");
        Assert.That(_files.RenameNew(_root.Handle, "a", _root.Handle, "b"), Is.False);
        Assert.That((File.ReadAllText(_folder["a"]), File.ReadAllText(_folder["b"])), Is.EqualTo(("a", "b")));
        Assert.That(_files.RenameNew(_root.Handle, "a", _root.Handle, "c"), Is.True);
        Assert.That((File.Exists(_folder["a"]), File.ReadAllText(_folder["c"])), Is.EqualTo((false, "a")));
    }

    [Test]
    public void AFile_TellsWhatItIs_AndReadsWhatWasWritten()
    {
        using var file = _files.CreateFile(_root.Handle, "file")!;
        _files.Write(file, "hello"u8, 10);
        _files.Sync(file);
        Assert.That(_files.SyncFolder(_root.Handle), Is.True);
        var stat = _files.Stat(file);
        Assert.That((stat.Kind, stat.Length, stat.Links), Is.EqualTo((FileKind.File, 15L, 1u)));
        Assert.That(_files.Stat(_root.Handle, "file")!.Value.IsSameInode(stat), Is.True);
        Assert.That(stat.ModifiedNanoseconds / 1_000_000_000, Is.EqualTo(new DateTimeOffset(File.GetLastWriteTimeUtc(_folder["file"])).ToUnixTimeSeconds()));
        Assert.That(_files.Link(_root.Handle, "file", _root.Handle, "second"), Is.True);
        Assert.That(_files.Link(_root.Handle, "file", _root.Handle, "second"), Is.False);
        Assert.That(_files.Stat(file).Links, Is.EqualTo(2));
        Span<byte> bytes = stackalloc byte[20];
        Assert.That(_files.Read(file, bytes, 8), Is.EqualTo(7));
        Assert.That(bytes[..7].SequenceEqual("\0\0hello"u8), Is.True);
        Assert.That(_files.GetFreeBytes(_root.Handle), Is.GreaterThan(0));
        Assert.That(_files.RemoveFolder(_root.Handle, "absent"), Is.False);
        Assert.That(_files.Unlink(_root.Handle, "absent"), Is.False);
    }

    [Test]
    public void CloneCacheAndKind_AreAnsweredOnAnyFileSystem()
    {
        using var source = _files.CreateFile(_root.Handle, "source")!;
        using var target = _files.CreateFile(_root.Handle, "target")!;
        _files.Write(source, "content"u8, 0);
        _files.Sync(source);
        var isCloned = _files.TryClone(source, target);
        Assert.That(_files.Stat(target).Length, Is.EqualTo(isCloned ? 7 : 0));
        _files.DropCache(source);
        Span<byte> bytes = stackalloc byte[7];
        Assert.That(_files.Read(source, bytes, 0), Is.EqualTo(7));
        Assert.That(bytes.SequenceEqual("content"u8), Is.True);
        Assert.That(_files.IsNetwork(_root.Handle), Is.False);
    }

    [Test]
    [DestinationCase(69)]
    public void AtomicFile_FailingAnywhere_LeavesTheOldOrTheNewContent()
    {
        for (var step = 0; step < 6; step++)
        {
            var faulty = new FaultyFileSystem();
            AtomicFile.Write(faulty, _root.Handle, "state", "old"u8);
            var calls = 0;
            faulty.Fault = _ => calls++ == step ? FaultyFileSystem.InputOutput : null;
            Assert.That(() => AtomicFile.Write(faulty, _root.Handle, "state", "newer"u8), Throws.TypeOf<StorageException>(), $"step {step}");
            Assert.That(File.ReadAllText(_folder["state"]), Is.EqualTo(step < 5 ? "old" : "newer"));
            faulty.Fault = null;
            AtomicFile.Write(faulty, _root.Handle, "state", "newer"u8);
            Assert.That(Directory.GetFiles(_folder.Path).Select(Path.GetFileName), Is.EqualTo(new[] { "state" }));
        }
    }

    private static NUnit.Framework.Constraints.IResolveConstraint Refuses() =>
        Throws.TypeOf<StorageException>().With.Property("Fault").EqualTo(StorageFault.PathRefused);
}
