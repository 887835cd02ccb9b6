using QbSync.Storage.IO;
using QbSync.Testing.FileSystems;
using QbSync.Testing.Machine;

namespace QbSync.Storage.Tests.IO;

/// <summary>The simulated file system.</summary>
[TestFixture(false)]
[TestFixture(true)]
public sealed class SimFileSystemConformanceTests(bool clones) : FileSystemConformance
{
    private SimFileSystem _files = new();

    internal override IFileSystem Files => _files;

    internal override string RootPath => "/data";

    [SetUp]
    public void MakeFolder()
    {
        _files = new SimFileSystem();
        _files.Device.CanClone = clones;
        _files.AddFolder(RootPath);
        OpenRoot();
    }

    internal override void PutLink(string name, string target) => _files.PutLink($"{RootPath}/{name}", target);
}

/// <summary>Linux, as it is and without the calls that an old kernel lacks, on the file system of temporary files and in memory.</summary>
[TestFixture(0, null)]
[TestFixture(1, null)]
[TestFixture(3, null)]
[TestFixture(7, null)]
[TestFixture(0, "/dev/shm")]
[TestFixture(3, "/dev/shm")]
public sealed class LinuxFileSystemConformanceTests(int without, string? place) : FileSystemConformance
{
    private TempDirectory _folder = null!;

    internal override IFileSystem Files { get; } = new LinuxFileSystem((LinuxCalls)without);

    internal override string RootPath => _folder.Path;

    [SetUp]
    public void MakeFolder()
    {
        _folder = new TempDirectory(place);
        OpenRoot();
    }

    [TearDown]
    public void RemoveFolder() => _folder.Dispose();

    internal override void PutLink(string name, string target) => File.CreateSymbolicLink(_folder[name], target);
}
