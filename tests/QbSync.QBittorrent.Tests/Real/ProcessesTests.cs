using System.Diagnostics;
using QbSync.Host.Commands.Demo;
using QbSync.Testing.Machine;

namespace QbSync.QBittorrent.Tests.Real;

[Category("Real")]
internal sealed class ProcessesTests
{
    [Test, CancelAfter(60_000)]
    public async Task Start_TwoInstances_AnswerOnLoopbackAndEndByPid(CancellationToken stop)
    {
        if (QBittorrentProcesses.FindExecutable() is not { } executable)
        {
            Assert.Ignore("No qbittorrent-nox on the path.");
            return;
        }

        using var folder = new TempDirectory();
        int first, second;
        await using (var processes = new QBittorrentProcesses(executable, TimeProvider.System))
        {
            var open = await processes.StartAsync(new() { Directory = folder["a, é \"x\""] }, stop);
            var locked = await processes.StartAsync(new() { Directory = folder["b"], RequireLogin = true }, stop);
            (first, second) = (open.ProcessId, locked.ProcessId);
            Assert.That((await open.GetAsync("app/defaultSavePath", stop)).TrimEnd('/'), Is.EqualTo(open.SavePath));
            Assert.That(await locked.GetAsync("app/version", stop), Does.StartWith("v"));
            Assert.That(await ListenersOutsideLoopbackAsync(first, stop), Is.Empty);
        }

        Assert.That(() => Process.GetProcessById(first), Throws.ArgumentException);
        Assert.That(() => Process.GetProcessById(second), Throws.ArgumentException);
    }

    // /proc/net/tcp names an address in little endian, a listener by state 0A, and the socket by its inode.
    private static async Task<List<string>> ListenersOutsideLoopbackAsync(int processId, CancellationToken stop)
    {
        var inodes = Directory.GetFiles($"/proc/{processId}/fd").Select(static path => new FileInfo(path).LinkTarget).ToHashSet();
        List<string> outside = [];
        foreach (var line in (await File.ReadAllLinesAsync("/proc/net/tcp", stop)).Skip(1))
        {
            var fields = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            if (fields[3] == "0A" && inodes.Contains($"socket:[{fields[9]}]") && !fields[1].StartsWith("0100007F", StringComparison.Ordinal))
            {
                outside.Add(line);
            }
        }

        return outside;
    }
}
