using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using QbSync.Testing.Processes;
using QbSync.Testing.Specifications;

namespace QbSync.Host.Tests.Commands;

/// <summary>A client that refuses our login, and a supervisor that asks and starts us again and again.</summary>
internal sealed class RefusedLoginTests
{
    private const int Probes = 1000;
    private int _logins, _others;

    [Test]
    [HostCase(24)]
    [ClientCase(4)]
    public async Task WrongPassword_WithProbesOfReadinessAndARestart_IsSentOnce()
    {
        await using var client = await StartClientAsync();
        using var folder = new TempDirectory();
        foreach (var probes in new[] { Probes, 1 })
        {
            var health = FreePorts.Take();
            var before = Volatile.Read(ref _others);
            await using var source = QbSyncProcess.Start(
            [
                "source", "--data", folder.Path, "--state-dir", folder["state"], "--qb-url", client.Urls.First(), "--qb-username", "admin", "--qb-password", "wrong",
                "--health-addr", $"127.0.0.1:{health}", "--destination-addr", $"127.0.0.1:{FreePorts.Take()}", "--security", "insecure",
            ]);
            await Eventually.BecomesTrueAsync(() => source.HasExited || source.Output.Contains("Next try in ", StringComparison.Ordinal));
            Assert.That(source.HasExited, Is.False, source.Output);
            using var http = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{health}") };
            for (var probe = 0; probe < probes; probe++)
            {
                using var answer = await http.GetAsync("/readyz").DefaultTimeout();
                Assert.That(answer.StatusCode, Is.EqualTo(HttpStatusCode.ServiceUnavailable));
            }

            Assert.That(Volatile.Read(ref _others), Is.GreaterThan(before), "it was asked whether it wants a login");
            Assert.That(await source.TerminateAsync(), Is.Zero, source.Output);
        }

        Assert.That(_logins, Is.EqualTo(1));
    }

    private async Task<WebApplication> StartClientAsync()
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(static kestrel => kestrel.Listen(IPAddress.Loopback, 0));
        var app = builder.Build();
        app.Run(async context =>
        {
            if (context.Request.Path == "/api/v2/auth/login")
            {
                Interlocked.Increment(ref _logins);
                await context.Response.WriteAsync("Fails.");
                return;
            }

            Interlocked.Increment(ref _others);
            context.Response.StatusCode = StatusCodes.Status403Forbidden;
        });
        await app.StartAsync();
        return app;
    }
}
