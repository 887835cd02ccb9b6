using Microsoft.Extensions.Time.Testing;
using QbSync.Storage.Inspection;
using QbSync.Storage.Tests.IO;
using QbSync.Testing.Machine;
using QbSync.Testing.Specifications;

namespace QbSync.Storage.Tests.Inspection;

/// <summary>What a folder is found able to do, with a file system that cannot do it.</summary>
[HostCase(36)]
public sealed class FolderProbeTests
{
    [Test]
    public void Folder_ThatDoesAll_HasNoFaultAndIsLeftAsItWas()
    {
        using var folder = new TempDirectory();
        var probe = FolderProbe.Run(folder.Path, new FakeTimeProvider());
        Assert.Multiple(() =>
        {
            Assert.That(probe, Is.EqualTo(new FolderProbe { Links = true, TakesLongNames = true, FlushesFolders = true }));
            Assert.That(Directory.GetFileSystemEntries(folder.Path), Is.Empty);
        });
    }

    [TestCase("MakeFolder")]
    [TestCase("CreateFile")]
    [TestCase("Write")]
    [TestCase("Sync")]
    [TestCase("RenameNew")]
    [TestCase("SyncFolder")]
    public void Step_ThatFails_IsTheFaultAndNothingStays(string step)
    {
        using var folder = new TempDirectory();
        var files = new FaultyFileSystem { Fault = call => call.Operation == step ? FaultyFileSystem.InputOutput : null };
        var probe = FolderProbe.Run(files, folder.Path, new FakeTimeProvider());
        Assert.That((probe.Fault, probe.Remains), Is.EqualTo((FaultyFileSystem.InputOutput.Message, (string?)null)));
        Assert.That(Directory.GetFileSystemEntries(folder.Path), Is.Empty);
    }

    [Test]
    public void Folder_WithoutLinksAndLongNames_IsTold()
    {
        using var folder = new TempDirectory();
        var files = new FaultyFileSystem
        {
            Fault = static call => call.Operation == "Link" || (call.Operation == "CreateFile" && call.Name.Length > 143)
                ? new StorageException(StorageFault.PathRefused, "Operation not permitted.")
                : null,
        };
        var probe = FolderProbe.Run(files, folder.Path, new FakeTimeProvider());
        Assert.That((probe.Fault, probe.Links, probe.TakesLongNames), Is.EqualTo(((string?)null, false, false)));
    }

    [TestCase("Sync")]
    [TestCase("SyncFolder")]
    public void Flush_ThatTakesItsTime_IsTimed(string flush)
    {
        using var folder = new TempDirectory();
        var time = new FakeTimeProvider();
        var files = new FaultyFileSystem
        {
            Fault = call =>
            {
                if (call.Operation == flush)
                {
                    time.Advance(TimeSpan.FromMilliseconds(251));
                }

                return null;
            },
        };
        Assert.That(FolderProbe.Run(files, folder.Path, time).LongestFlush, Is.EqualTo(TimeSpan.FromMilliseconds(251)));
    }
}
