using QbSync.Storage.IO;
using QbSync.Storage.State;
using QbSync.Testing.Logging;
using QbSync.Testing.Machine;

namespace QbSync.Storage.Tests.State;

/// <summary>The file of lines that tells what was deleted, and why.</summary>
[System.Runtime.Versioning.SupportedOSPlatform("linux")]
public sealed class LineFileTests
{
    [Test]
    public async Task Lines_AreAddedAcrossReopeningAndAreNoRecords()
    {
        using var folder = new TempDirectory();
        using var logs = new LogErrorGuard();
        await using (var records = new DurableRecords(folder["state"], logs))
        {
            await records.AppendLineAsync("audit.jsonl", "one"u8.ToArray(), default);
            await records.AppendLineAsync("audit.jsonl", "two"u8.ToArray(), default);
            Assert.That(await records.ListAsync("", default), Is.Empty);
        }

        // What a crash in the middle of a line leaves.
        await File.AppendAllTextAsync(folder["state", "audit.jsonl"], "thr");
        await using (var records = new DurableRecords(folder["state"], logs))
        {
            await records.AppendLineAsync("audit.jsonl", "four"u8.ToArray(), default);
            Assert.That(File.GetUnixFileMode(folder["state", "audit.jsonl"]), Is.EqualTo(UnixFileMode.UserRead | UnixFileMode.UserWrite));
            await Task.WhenAll(Enumerable.Range(0, 8).Select(i => records.AppendLineAsync("audit.jsonl", System.Text.Encoding.UTF8.GetBytes($"at once {i}"), default).AsTask()));
        }

        var lines = await File.ReadAllLinesAsync(folder["state", "audit.jsonl"]);
        Assert.That(lines.Take(4), Is.EqualTo((string[])["one", "two", "thr", "four"]));
        Assert.That(lines.Skip(4), Is.EquivalentTo(Enumerable.Range(0, 8).Select(static i => $"at once {i}")));
        logs.Verify();
    }

    [Test]
    public void File_ThatIsFull_IsKeptBesideTheNewOneAndTheEighthGoes()
    {
        using var folder = new TempDirectory();
        var files = LinuxFileSystem.Create();
        using var root = RootDirectory.Open(files, folder.Path, create: false);
        var log = new LineFile(files, "audit.jsonl", most: 10);
        for (var i = 0; i < 20; i++)
        {
            log.Append(root.Handle, System.Text.Encoding.UTF8.GetBytes($"line {i:d2}"));
        }

        Assert.That(
            Directory.GetFiles(folder.Path).Select(Path.GetFileName),
            Is.EquivalentTo(Enumerable.Range(1, 7).Select(static i => $"audit.{i}.jsonl").Append("audit.jsonl")));
        Assert.That(File.ReadAllText(folder["audit.jsonl"]), Is.EqualTo("line 19\n"));
        Assert.That(File.ReadAllText(folder["audit.7.jsonl"]), Is.EqualTo("line 12\n"));
    }

    [Test]
    public async Task ReadOnlyRecords_AddNothing()
    {
        using var folder = new TempDirectory();
        await new ReadOnlyRecords(folder["state"]).AppendLineAsync("audit.jsonl", "one"u8.ToArray(), default);
        Assert.That(Directory.Exists(folder["state"]), Is.False);
    }
}
