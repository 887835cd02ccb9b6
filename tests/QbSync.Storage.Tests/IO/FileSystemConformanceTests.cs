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

/// <summary>Linux on file systems of its own: ext4, and those for which this machine has the program that makes them.</summary>
[TestFixtureSource(nameof(Kinds))]
[Category("Mounts")]
public sealed class MountedFileSystemConformanceTests(string kind, int mebibytes) : FileSystemConformance
{
    private LoopMount _mount = null!;
    private string _folder = "";
    private int _count;

    public static IEnumerable<TestFixtureData> Kinds => new (string Kind, int Mebibytes)[] { ("ext4", 64), ("xfs", 320), ("btrfs", 128) }
        .Where(static item => item.Kind == "ext4" || LoopMount.CanMake(item.Kind))
        .Select(static item => new TestFixtureData(item.Kind, item.Mebibytes));

    internal override IFileSystem Files { get; } = LinuxFileSystem.Create();

    internal override string RootPath => _folder;

    [OneTimeSetUp]
    public void Mount() => _mount = LoopMount.Create(mebibytes, kind);

    [OneTimeTearDown]
    public void Unmount() => _mount?.Dispose();

    [SetUp]
    public void MakeFolder()
    {
        _folder = Directory.CreateDirectory(Path.Combine(_mount.Path, $"{++_count}")).FullName;
        OpenRoot();
    }

    internal override void PutLink(string name, string target) => File.CreateSymbolicLink(Path.Combine(_folder, name), target);
}
