using System.Diagnostics;
using QbSync.Host.Commands.Demo;
using QbSync.Testing.Machine;
using QbSync.Testing.Specifications;

namespace QbSync.QBittorrent.Tests.Real;

[Category("Real")]
internal sealed class ProcessesTests
{
    [TestCase(false), TestCase(true, Category = "Long"), CancelAfter(240_000), ClientCase(59)]
    public async Task Start_TwoInstances_AnswerOnLoopbackAndEndByPid(bool isMeasured, CancellationToken stop)
    {
        if (QBittorrentProcesses.FindExecutable() is not { } executable)
        {
            Assert.Ignore("No qbittorrent-nox on the path.");
            return;
        }

        using var folder = new TempDirectory();
        int first, second;
        await using (var processes = new QBittorrentProcesses(executable, TimeProvider.System, FreePorts.Take))
        {
            var began = TimeProvider.System.GetTimestamp();
            var open = await processes.StartAsync(new() { Directory = folder["a, é \"x\""] }, stop);
            var took = TimeProvider.System.GetElapsedTime(began);
            TestContext.Out.WriteLine($"ready after {took.TotalSeconds:0.00} s");
            if (isMeasured)
            {
                Assert.That(took, Is.LessThan(TimeSpan.FromSeconds(10)), "2 s on an idle machine; wider, as others work here");
            }

            var locked = await processes.StartAsync(new() { Directory = folder["b"], RequireLogin = true }, stop);
            (first, second) = (open.ProcessId, locked.ProcessId);
            Assert.That((await open.GetAsync("app/defaultSavePath", stop)).TrimEnd('/'), Is.EqualTo(open.SavePath));
            Assert.That(await locked.GetAsync("app/version", stop), Does.StartWith("v"));
            foreach (var process in new[] { first, second })
            {
                Assert.That(await OutsideLoopbackAsync(process, stop), Is.Empty);
                Assert.That(await File.ReadAllTextAsync($"/proc/{process}/task/{process}/children", stop), Is.Empty, "no child");
                Assert.That(OpenElsewhere(process, folder.Path), Is.Empty, "nothing that instances share");
            }
        }

        Assert.That(() => Process.GetProcessById(first), Throws.ArgumentException);
        Assert.That(() => Process.GetProcessById(second), Throws.ArgumentException);
        var path = folder.Path;
        folder.Dispose();
        Assert.That(Directory.Exists(path), Is.False);
        Assert.That(FilesElsewhere(first).Concat(FilesElsewhere(second)), Is.Empty);
    }

    // What it could leave outside its folder: a lock or a socket that bears its number.
    private static IEnumerable<string> FilesElsewhere(int processId) => Directory.EnumerateFileSystemEntries(Path.GetTempPath())
        .Where(path => Path.GetFileName(path).Contains("ittorrent", StringComparison.Ordinal) && Path.GetFileName(path).Contains($"{processId}", StringComparison.Ordinal));

    private static IEnumerable<string> OpenElsewhere(int processId, string folder) => Directory.GetFiles($"/proc/{processId}/fd")
        .Select(static path => new FileInfo(path).LinkTarget ?? "")
        .Where(target => target.StartsWith(Path.GetTempPath(), StringComparison.Ordinal) && !target.StartsWith(folder, StringComparison.Ordinal));

    // /proc/net names an address in little endian and a socket by its inode. A listener has state 0A; any UDP socket takes what comes.
    private static async Task<List<string>> OutsideLoopbackAsync(int processId, CancellationToken stop)
    {
        var inodes = Directory.GetFiles($"/proc/{processId}/fd").Select(static path => new FileInfo(path).LinkTarget).ToHashSet();
        List<string> outside = [];
        foreach (var protocol in new[] { "tcp", "tcp6", "udp", "udp6" }.Where(static protocol => File.Exists("/proc/net/" + protocol)))
        {
            foreach (var line in (await File.ReadAllLinesAsync("/proc/net/" + protocol, stop)).Skip(1))
            {
                var fields = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
                var isOurs = (protocol.StartsWith("udp", StringComparison.Ordinal) || fields[3] == "0A") && inodes.Contains($"socket:[{fields[9]}]");
                var isLoopback = fields[1].StartsWith("0100007F:", StringComparison.Ordinal)
                    || fields[1].StartsWith("00000000000000000000000001000000:", StringComparison.Ordinal)
                    || fields[1].StartsWith("0000000000000000FFFF00000100007F:", StringComparison.Ordinal);
                if (isOurs && !isLoopback)
                {
                    outside.Add($"{protocol}: {line}");
                }
            }
        }

        return outside;
    }
}
