using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using QbSync.Host.Configuration;
using QbSync.Host.Doctor;
using QbSync.Host.Doctor.Data;
using QbSync.Storage.Inspection;
using QbSync.Storage.State;
using QbSync.Testing.Clients.Sim;
using QbSync.Testing.Specifications;

namespace QbSync.Host.Tests.Doctor;

/// <summary>What the doctor says of the data folder, the state folder and free space.</summary>
[HostCase(36)]
internal sealed class DataChecksTests
{
    // Nobody can make anything there, root neither.
    private const string NotWritable = "/proc/self/task";
    private static readonly string Id = new('a', 40);

    [Test]
    public async Task Data_EmptyWhileTheStateKnowsTorrents_Fails()
    {
        await using var lab = new DoctorLab(Roles.Destination);
        Directory.CreateDirectory(Path.Combine(lab.State, "torrents", Id));
        var finding = await lab.LookAsync("data.marker");
        Assert.That((finding.Outcome, finding.Text), Is.EqualTo((Outcome.Fail, $"{lab.Data} is empty, while the state knows 1 torrents in it")));
    }

    [Test]
    public async Task Data_WithoutAMarker_WarnsAndIsLeftAsItIs()
    {
        await using var lab = new DoctorLab(Roles.Destination);
        await File.WriteAllTextAsync(Path.Combine(lab.Data, "mine"), "x");
        Assert.That((await lab.LookAsync("data.marker")).Outcome, Is.EqualTo(Outcome.Warn));
        Assert.That(Directory.GetFileSystemEntries(lab.Data).Select(Path.GetFileName), Is.EqualTo(new[] { "mine" }), "what was made to look is removed");
    }

    [Test]
    public async Task Data_OfAnotherState_Fails()
    {
        await using var lab = new DoctorLab(Roles.Destination);
        Directory.CreateDirectory(Path.Combine(lab.State, "torrents", Id));
        Directory.CreateDirectory(Path.Combine(lab.Data, ".qbsync"));
        await File.WriteAllTextAsync(Path.Combine(lab.State, "roots"), "qbsync-root 1\none\n");
        await File.WriteAllTextAsync(Path.Combine(lab.Data, ".qbsync", "root"), "qbsync-root 1\ntwo\n");
        Assert.That((await lab.LookAsync("data.marker")).Outcome, Is.EqualTo(Outcome.Fail));
        await File.WriteAllTextAsync(Path.Combine(lab.Data, ".qbsync", "root"), "qbsync-root 1\none\n");
        Assert.That((await lab.LookAsync("data.marker")).Outcome, Is.EqualTo(Outcome.Ok));
    }

    [Test]
    public async Task Data_NotWritable_FailsAndWhatNeedsItIsSkipped()
    {
        await using var lab = new DoctorLab(Roles.Destination) { ["data"] = NotWritable };
        var lines = (await lab.RunAsync()).ToDictionary(static line => line.Id, static line => line.Finding.Outcome);
        Assert.That((lines["data.write"], lines["data.link"], lines["data.names"]), Is.EqualTo((Outcome.Fail, Outcome.Skip, Outcome.Skip)));
    }

    [Test]
    public async Task Data_WithASavePathOnAnotherFileSystem_Warns()
    {
        await using var lab = new DoctorLab(Roles.Destination);
        var client = await lab.StartClientAsync();
        Directory.CreateSymbolicLink(Path.Combine(lab.Data, "other"), "/proc");
        Assert.That((await lab.LookAsync("data.samefs")).Outcome, Is.EqualTo(Outcome.Ok));
        DoctorLab.Add(client, "torrent", 1, Path.Combine(lab.Data, "other"));
        Assert.That((await lab.LookAsync("data.samefs")).Outcome, Is.EqualTo(Outcome.Warn));
    }

    [Test]
    public void Probe_OfEachKind_IsJudged()
    {
        var good = new FolderProbe { Links = true, TakesLongNames = true, FlushesFolders = true };
        Assert.Multiple(() =>
        {
            Assert.That(DataWriteCheck.Judge(good with { LongestFlush = TimeSpan.FromMilliseconds(250) }, "/data").Outcome, Is.EqualTo(Outcome.Ok));
            Assert.That(DataWriteCheck.Judge(good with { LongestFlush = TimeSpan.FromMilliseconds(251) }, "/data").Outcome, Is.EqualTo(Outcome.Warn));
            Assert.That(DataWriteCheck.Judge(good with { FlushesFolders = false }, "/data").Outcome, Is.EqualTo(Outcome.Warn));
            Assert.That(DataLinkCheck.Judge(good).Outcome, Is.EqualTo(Outcome.Ok));
            Assert.That(DataLinkCheck.Judge(good with { Links = false }).Outcome, Is.EqualTo(Outcome.Warn));
            Assert.That(DataNamesCheck.Judge(good).Outcome, Is.EqualTo(Outcome.Ok));
            Assert.That(DataNamesCheck.Judge(good with { FoldsCase = true }).Outcome, Is.EqualTo(Outcome.Warn));
            Assert.That(DataNamesCheck.Judge(good with { TakesLongNames = false }).Outcome, Is.EqualTo(Outcome.Warn));
        });
    }

    [TestCase(Roles.Source, "min-space")]
    [TestCase(Roles.Destination, "min-free")]
    public async Task Space_LessThanIsToBeKept_Fails(Roles role, string option)
    {
        await using var lab = new DoctorLab(role) { [option] = "1000000TiB" };
        Assert.That((await lab.LookAsync("space.free")).Outcome, Is.EqualTo(Outcome.Fail));
        lab[option] = "1";
        Assert.That((await lab.LookAsync("space.free")).Outcome, Is.Not.EqualTo(Outcome.Warn));
    }

    [TestCase(0)]
    [TestCase(-1)]
    public async Task Space_ThatNobodyTells_Warns(long free)
    {
        await using var lab = new DoctorLab(Roles.Source) { ["data"] = "/proc/sys", ["min-space"] = "1" };
        await lab.StartClientAsync(new SimClientOptions { SavePath = lab.Data, FreeBytes = free });
        Assert.That((await lab.LookAsync("space.free")).Outcome, Is.EqualTo(Outcome.Warn));
    }

    [Test]
    public async Task State_NotWritable_Fails()
    {
        await using var lab = new DoctorLab(Roles.Source) { ["state-dir"] = NotWritable + "/state" };
        Assert.That((await lab.LookAsync("state.dir")).Outcome, Is.EqualTo(Outcome.Fail));
    }

    [Test]
    public async Task State_InUse_FailsAndNamesTheProcess()
    {
        await using var lab = new DoctorLab(Roles.Source);
        await using (new DurableRecords(lab.State, NullLoggerFactory.Instance))
        {
            var finding = await lab.LookAsync("state.dir");
            Assert.That((finding.Outcome, finding.Text), Is.EqualTo((Outcome.Fail, $"{lab.State} is in use by process {Environment.ProcessId}")));
        }

        Assert.That((await lab.LookAsync("state.dir")).Outcome, Is.EqualTo(Outcome.Ok));
    }

    [Test]
    public async Task State_OfANewerVersion_FailsAndIsLeftAsItIs()
    {
        await using var lab = new DoctorLab(Roles.Source);
        await using (var records = new DurableRecords(lab.State, NullLoggerFactory.Instance))
        {
            await records.WriteAsync($"torrents/{Id}.json", Encoding.UTF8.GetBytes($"{{ \"Version\": 99, \"Id\": \"{Id}\", \"ClientId\": \"c\", \"Name\": \"film\" }}"), default);
        }

        Assert.That((await lab.LookAsync("state.dir")).Text, Does.Contain("newer version"));
        Assert.That(Directory.GetFiles(Path.Combine(lab.State, "torrents")).Select(Path.GetFileName), Is.EqualTo(new[] { $"{Id}.json.rec" }));
    }

    [Test]
    public async Task State_OfTheOtherRole_Fails()
    {
        await using var lab = new DoctorLab(Roles.Source);
        Directory.CreateDirectory(Path.Combine(lab.State, "torrents", Id));
        var finding = await lab.LookAsync("state.dir");
        Assert.That((finding.Outcome, finding.Text), Is.EqualTo((Outcome.Fail, $"{lab.State} is the state of a destination, with 1 torrents")));
    }

    [Test]
    public async Task State_InMemory_Warns()
    {
        using var memory = new TempDirectory("/dev/shm");
        await using var lab = new DoctorLab(Roles.Source) { ["state-dir"] = memory["state"] };
        Assert.That((await lab.LookAsync("state.dir")).Outcome, Is.EqualTo(Outcome.Warn));
    }
}
