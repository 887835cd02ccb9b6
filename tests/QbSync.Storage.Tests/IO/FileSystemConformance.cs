using QbSync.Storage.IO;

namespace QbSync.Storage.Tests.IO;

/// <summary>What storage relies on, whatever is below: the simulated file system and the real ones answer alike.</summary>
public abstract class FileSystemConformance
{
    private IFileSystem _files = null!;
    private RootDirectory _root = null!;

    internal abstract IFileSystem Files { get; }

    /// <summary>An empty folder.</summary>
    internal abstract string RootPath { get; }

    /// <summary>Called by the fixture when its folder is there.</summary>
    internal void OpenRoot()
    {
        _files = Files;
        _root = RootDirectory.Open(_files, RootPath, create: false);
    }

    [TearDown]
    public void CloseRoot() => _root.Dispose();

    /// <summary>Makes a symbolic link as somebody else does.</summary>
    internal abstract void PutLink(string name, string target);

    [Test]
    public void Folders_AreMadeOnceAndOpenedPartByPart()
    {
        Assert.That(_root.OpenFolder(["a", "b"]), Is.Null);
        _root.EnsureFolder(["a", "b"]).Dispose();
        Assert.That(_files.MakeFolder(_root.Handle, "a"), Is.False);
        using var folder = _root.OpenFolder(["a"])!;
        Assert.That(_files.List(folder), Is.EqualTo(new[] { "b" }));
        Assert.That(_files.Stat(folder).Kind, Is.EqualTo(FileKind.Folder));
        Assert.That(_files.RemoveFolder(_root.Handle, "a"), Is.False, "not empty");
        Assert.That(_files.RemoveFolder(folder, "b"), Is.True);
        Assert.That(_files.RemoveFolder(folder, "b"), Is.False, "absent");
        Assert.That(_files.SyncFolder(folder), Is.True);
    }

    [Test]
    public void Content_IsReadAsItWasWritten_WithHolesAsZeros()
    {
        using var file = Create("file");
        _files.Write(file, [1, 2, 3], 5000);
        _files.Write(file, [9], 4999);
        Assert.That(_files.Stat(file).Length, Is.EqualTo(5003));
        var bytes = new byte[8];
        Assert.That(_files.Read(file, bytes, 4996), Is.EqualTo(7));
        Assert.That(bytes, Is.EqualTo(new byte[] { 0, 0, 0, 9, 1, 2, 3, 0 }));
        Assert.That(_files.Read(file, bytes, 6000), Is.Zero);
        _files.SetLength(file, 5001);
        _files.SetLength(file, 5004);
        Assert.That(_files.Read(file, bytes, 4996), Is.EqualTo(8));
        Assert.That(bytes, Is.EqualTo(new byte[] { 0, 0, 0, 9, 1, 0, 0, 0 }));
        _files.Sync(file);
        _files.DropCache(file);
        using var again = _files.OpenFile(_root.Handle, "file", writable: false)!;
        Assert.That(_files.Read(again, bytes, 4999), Is.EqualTo(5));
        Assert.That(() => _files.Write(again, [1], 0), Throws.TypeOf<StorageException>());
    }

    [Test]
    public void Reserving_GivesALengthOfZeros_OrIsRefused()
    {
        using var file = Create("file");
        _files.Write(file, [7], 0);
        if (_files.TryAllocate(file, 100_000))
        {
            Assert.That(_files.Stat(file).Length, Is.EqualTo(100_000));
            Assert.That(_files.TryAllocate(file, 50_000), Is.True);
            Assert.That(_files.Stat(file).Length, Is.EqualTo(100_000), "never shorter");
            var bytes = new byte[2];
            _files.Read(file, bytes, 0);
            Assert.That(bytes, Is.EqualTo(new byte[] { 7, 0 }));
        }
        else
        {
            Assert.That(_files.Stat(file).Length, Is.EqualTo(1));
        }
    }

    [Test]
    public void Names_AreTakenOnce_AndNeverReplacedUnasked()
    {
        Create("a").Dispose();
        Assert.That(_files.CreateFile(_root.Handle, "a"), Is.Null);
        Create("b").Dispose();
        Assert.That(_files.RenameNew(_root.Handle, "a", _root.Handle, "b"), Is.False);
        var inode = _files.Stat(_root.Handle, "a")!.Value;
        Assert.That(_files.RenameNew(_root.Handle, "a", _root.Handle, "c"), Is.True);
        Assert.That(_files.Stat(_root.Handle, "c")!.Value.IsSameInode(inode), Is.True);
        _files.RenameOver(_root.Handle, "c", "b");
        Assert.That(_files.List(_root.Handle), Is.EqualTo(new[] { "b" }));
        Assert.That(_files.Stat(_root.Handle, "b")!.Value.IsSameInode(inode), Is.True);
        Assert.That(() => _files.RenameNew(_root.Handle, "absent", _root.Handle, "d"), Throws.TypeOf<StorageException>());
        Assert.That(_files.Unlink(_root.Handle, "b"), Is.True);
        Assert.That(_files.Unlink(_root.Handle, "b"), Is.False);
        Assert.That(_files.OpenFile(_root.Handle, "b", writable: true), Is.Null);
        Assert.That(_files.Stat(_root.Handle, "b"), Is.Null);
    }

    [Test]
    public void Links_AreNamesOfOneFile_AndOpenFilesOutliveTheirNames()
    {
        using var file = Create("a");
        _root.EnsureFolder(["sub"]).Dispose();
        using var sub = _root.OpenFolder(["sub"])!;
        _files.Write(file, [1], 0);
        Assert.That(_files.Link(_root.Handle, "a", sub, "b"), Is.True);
        Assert.That(_files.Link(_root.Handle, "a", sub, "b"), Is.False);
        Assert.That(_files.Stat(sub, "b")!.Value.Links, Is.EqualTo(2));
        Assert.That(_files.Stat(sub, "b")!.Value.IsSameInode(_files.Stat(file)), Is.True);
        _files.Unlink(_root.Handle, "a");
        _files.Unlink(sub, "b");
        Assert.That(_files.Stat(file).Links, Is.Zero);
        _files.Write(file, [2], 1);
        var bytes = new byte[2];
        Assert.That(_files.Read(file, bytes, 0), Is.EqualTo(2));
    }

    [Test]
    public void Changes_OfContent_ChangeTheTime_AndRenamingDoesNot()
    {
        using var file = Create("a");
        _files.Write(file, [1], 0);
        var before = _files.Stat(file).ModifiedNanoseconds;
        Assert.That(_files.RenameNew(_root.Handle, "a", _root.Handle, "b"), Is.True);
        Assert.That(_files.Stat(file).ModifiedNanoseconds, Is.EqualTo(before));
    }

    [Test]
    public void NoLinkAndNoOddName_IsFollowed()
    {
        Create("file").Dispose();
        _root.EnsureFolder(["real"]).Dispose();
        PutLink("link", "real");
        PutLink("leaf", "file");
        foreach (var path in new string[][] { ["link"], ["link", "x"], ["file", "x"] })
        {
            Assert.That(() => _root.OpenFolder(path)?.Dispose(), Refuses(), string.Join('/', path));
        }

        Assert.That(() => _files.OpenFile(_root.Handle, "leaf", writable: true)?.Dispose(), Refuses());
        Assert.That(() => _files.OpenFile(_root.Handle, "real", writable: false)?.Dispose(), Refuses());
        Assert.That(() => _files.OpenFile(_root.Handle, "..", writable: false)?.Dispose(), Refuses());
        Assert.That(_files.CreateFile(_root.Handle, "leaf"), Is.Null);
        Assert.That(_files.Stat(_root.Handle, "leaf")!.Value.Kind, Is.EqualTo(FileKind.SymbolicLink));
        Assert.That(() => _files.CreateFile(_root.Handle, new string('x', 256))?.Dispose(), Refuses());
    }

    [Test]
    public void ALock_IsHeldByOne_UntilItsHandleIsClosed()
    {
        var first = Create("lock");
        using var second = _files.OpenFile(_root.Handle, "lock", writable: true)!;
        Assert.That(_files.TryLock(first), Is.True);
        Assert.That(_files.TryLock(second), Is.False);
        first.Dispose();
        Assert.That(_files.TryLock(second), Is.True);
    }

    [Test]
    public void Cloning_CopiesOrIsRefused()
    {
        using var source = Create("a");
        using var target = Create("b");
        _files.Write(source, new byte[10_000], 0);
        _files.Write(source, [5], 9_999);
        var isCloned = _files.TryClone(source, target);
        Assert.That(_files.Stat(target).Length, Is.EqualTo(isCloned ? 10_000 : 0));
        Assert.That(_files.GetFreeBytes(_root.Handle), Is.GreaterThan(0));
        Assert.That(_files.IsNetwork(_root.Handle), Is.False);
    }

    private FileHandle Create(string name) => _files.CreateFile(_root.Handle, name)!;

    private static NUnit.Framework.Constraints.IResolveConstraint Refuses() =>
        Throws.TypeOf<StorageException>().With.Property("Fault").EqualTo(StorageFault.PathRefused);
}
