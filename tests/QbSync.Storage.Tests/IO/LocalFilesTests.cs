using QbSync.Ports;
using QbSync.Storage.IO;
using QbSync.Testing.Machine;

namespace QbSync.Storage.Tests.IO;

public sealed class LocalFilesTests
{
    private readonly LocalFiles _files = new();
    private TempDirectory _folder = null!;

    [SetUp]
    public void SetUp() => _folder = new TempDirectory();

    [TearDown]
    public void TearDown() => _folder.Dispose();

    [Test]
    public void Look_TwoNamesOfAFile_AreOneInode()
    {
        File.WriteAllBytes(_folder["one"], new byte[100_000]);
        Link("one", "two");
        var (one, two) = (_files.Look(_folder["one"]), _files.Look(_folder["two"]));

        Assert.That(one.Kind, Is.EqualTo(LocalPathKind.File));
        Assert.That((one.Device, one.Inode, one.Links), Is.EqualTo((two.Device, two.Inode, 2u)));
        Assert.That(one.Device, Is.EqualTo(_files.GetFileSystem(_folder.Path)!.Value.Device), "a folder and its files tell one device");
        Assert.That(one.AllocatedBytes, Is.GreaterThanOrEqualTo(0).And.LessThan(1 << 20));
    }

    [Test]
    public void Look_FolderIsALink_GivesThePathWithoutIt()
    {
        var real = _folder.CreateFolder("real");
        File.WriteAllText(Path.Combine(real, "file"), "x");
        Directory.CreateSymbolicLink(_folder["way"], real);

        Assert.That(_files.Look(_folder["way", "file"]).Path, Is.EqualTo(_files.Look(Path.Combine(real, "file")).Path));
        Assert.That(_files.Look(_folder["way", "none"]), Is.EqualTo(_files.Look(Path.Combine(real, "none"))), "also of what is not there");
    }

    [Test]
    public void Look_WhatIsNoFile_IsTold()
    {
        File.WriteAllText(_folder["file"], "x");
        File.CreateSymbolicLink(_folder["link"], _folder["file"]);
        _folder.CreateFolder("folder");

        Assert.That(_files.Look(_folder["link"]).Kind, Is.EqualTo(LocalPathKind.Other));
        Assert.That(_files.Look(_folder["folder"]).Kind, Is.EqualTo(LocalPathKind.Other));
        Assert.That(_files.Look(_folder["none"]).Kind, Is.EqualTo(LocalPathKind.Absent));
        Assert.That(_files.Look(_folder["none", "below"]).Kind, Is.EqualTo(LocalPathKind.Absent));
        Assert.That(_files.Look(_folder["file", "below"]).Kind, Is.EqualTo(LocalPathKind.Absent));
    }

    [Test]
    public void Look_SystemDoesNotTell_IsUnknownAndNotAbsent()
    {
        File.CreateSymbolicLink(_folder["loop"], _folder["loop"]);

        Assert.That(_files.Look(_folder["loop", "file"]).Kind, Is.EqualTo(LocalPathKind.Unknown));
        Assert.That(_files.Look(_folder[new string('x', 300)]).Kind, Is.EqualTo(LocalPathKind.Unknown));
        Assert.That(_files.Look(_folder["a\0b"]).Kind, Is.EqualTo(LocalPathKind.Unknown));
        Assert.That(_files.Look("/").Kind, Is.EqualTo(LocalPathKind.Unknown));
    }

    [Test]
    public void FileSystem_OfAFolder_HasItsSpace()
    {
        var told = _files.GetFileSystem(_folder.Path)!.Value;

        Assert.That(told.TotalBytes, Is.Positive);
        Assert.That(told.FreeBytes, Is.InRange(0, told.TotalBytes));
        Assert.That(_files.GetFileSystem(_folder["none"]), Is.Null);
        Assert.That(_files.GetFileSystem("/proc"), Is.Not.Null.And.Property(nameof(LocalFileSystem.FreeBytes)).Null, "one without a size tells no space");
    }

    private void Link(string name, string other)
    {
        var files = LinuxFileSystem.Create();
        using var folder = files.OpenRoot(_folder.Path)!;
        Assert.That(files.Link(folder, name, folder, other), Is.True);
    }
}
