using System.Diagnostics;
using QbSync.Host.Commands.Demo;

namespace QbSync.QBittorrent.Tests.Real;

[Category("Real")]
internal sealed class ProcessesTests
{
    [Test, CancelAfter(60_000)]
    public async Task Start_TwoInstances_AnswerOnLoopbackAndEndByPid(CancellationToken stop)
    {
        var executable = QBittorrentProcesses.FindExecutable();
        if (executable is null)
        {
            Assert.Ignore("No qbittorrent-nox on the path.");
        }

        var folder = Directory.CreateTempSubdirectory("qbsync-é, test ");
        try
        {
            int first, second;
            await using (var processes = new QBittorrentProcesses(executable!, TimeProvider.System))
            {
                var open = await processes.StartAsync(new() { Directory = Path.Combine(folder.FullName, "a") }, stop);
                var locked = await processes.StartAsync(new() { Directory = Path.Combine(folder.FullName, "b"), RequireLogin = true }, stop);
                (first, second) = (open.ProcessId, locked.ProcessId);
                Assert.That(await open.GetAsync("app/webapiVersion", stop), Does.Match("^[0-9.]+$"));
                Assert.That((await open.GetAsync("app/defaultSavePath", stop)).TrimEnd('/'), Is.EqualTo(open.SavePath));
                Assert.That(await locked.GetAsync("app/version", stop), Does.StartWith("v"));
            }

            Assert.That(() => Process.GetProcessById(first), Throws.ArgumentException);
            Assert.That(() => Process.GetProcessById(second), Throws.ArgumentException);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }
}
