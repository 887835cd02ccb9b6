using System.Text.Json;
using QbSync.Host.Commands.Demo;
using QbSync.Testing.Processes;
using QbSync.Testing.Specifications;

namespace QbSync.ClientTests;

/// <summary>Our executable and a client that wants a login.</summary>
[Category("Real"), NonParallelizable]
internal sealed class CredentialsTests
{
    [Test]
    [ClientCase(5)]
    public async Task WrongPassword_AnOperatorsReloads_AreNoBanAndTheRightOneMakesItReady()
    {
        if (QBittorrentProcesses.FindExecutable() is not { } executable)
        {
            Assert.Ignore("qbittorrent-nox is not installed.");
            return;
        }

        using var folder = new TempDirectory();
        await using var processes = new QBittorrentProcesses(executable, TimeProvider.System, FreePorts.Take);
        var instance = await processes.StartAsync(new QBittorrentInstanceOptions { Directory = folder["client"], RequireLogin = true }, CancellationToken.None);
        var config = folder["qbsync.json"];
        var (health, listen) = (FreePorts.Take(), FreePorts.Take());
        var data = folder.CreateFolder("data");
        await WriteAsync("not this");
        await using var destination = QbSyncProcess.Start(["destination", "--config", config]);
        await BecomesAsync(() => Task.FromResult(destination.Output.Contains("Next try in ", StringComparison.Ordinal)));
        for (var reload = 1; reload <= 10; reload++)
        {
            destination.SendHangup();
            await BecomesAsync(() => Task.FromResult(destination.Output.Split("The configuration was read anew").Length > reload));
        }

        using var http = new HttpClient();
        Assert.That(await IsReadyAsync(), Is.False);
        await WriteAsync(instance.Password!);
        destination.SendHangup();
        await BecomesAsync(IsReadyAsync);
        Assert.That(destination.Output, Does.Contain("Changed: qb-password.").And.Not.Contain(instance.Password));
        Assert.That(await destination.TerminateAsync(), Is.Zero, destination.Output);

        Task WriteAsync(string password) => File.WriteAllTextAsync(
            config,
            $$"""
            { "destination": {
              "data": "{{data}}", "state-dir": "{{folder["state"]}}", "health-addr": "127.0.0.1:{{health}}", "listen": "127.0.0.1:{{listen}}",
              "security": "insecure", "qb-url": "{{instance.Url}}", "qb-username": "{{instance.Username}}", "qb-password": {{JsonSerializer.Serialize(password)}}
            } }
            """);

        Task BecomesAsync(Func<Task<bool>> condition) => Eventually.BecomesTrueAsync(() =>
        {
            Assert.That(destination.HasExited, Is.False, destination.Output);
            return condition();
        });

        async Task<bool> IsReadyAsync()
        {
            using var answer = await http.GetAsync($"http://127.0.0.1:{health}/readyz");
            return answer.IsSuccessStatusCode;
        }
    }
}
