using System.Net;
using QbSync.Host;
using QbSync.Host.Configuration;
using QbSync.Testing.Logging;
using QbSync.Testing.Specifications;

namespace QbSync.IntegrationTests;

/// <summary>Several destinations in one process, and one whose client is away.</summary>
internal sealed class DestinationsTests
{
    [Test]
    [DestinationCase(127)]
    public async Task Destinations_TwoInOneProcessStartedTwice_HaveMetricsOfTheirOwn()
    {
        using var folder = new TempDirectory();
        using var logs = new LogErrorGuard();
        for (var start = 0; start < 2; start++)
        {
            await using var one = await Running.StartAsync(folder, "one", logs);
            await using var two = await Running.StartAsync(folder, "two", logs);
            Assert.That(one.Node.Registry, Is.Not.SameAs(two.Node.Registry));
            foreach (var running in new[] { one, two })
            {
                var scrape = await TwoNodes.ScrapeAsync(running.Node.Registry);
                Assert.That(scrape.Text, Does.Contain("qbsync_build_info{mode=\"destination\"").And.Contain("qbsync_write_workers_busy 0"));
            }
        }

        logs.Verify();
    }

    [Test]
    [DestinationCase(127)]
    public async Task Destination_WhoseClientIsDown_LivesAndIsNotReady()
    {
        using var folder = new TempDirectory();
        using var logs = new LogErrorGuard();
        var health = FreePorts.Take();
        await using var running = await Running.StartAsync(
            folder,
            "one",
            logs,
            ("client", "qbittorrent"),
            ("qb-url", $"http://127.0.0.1:{FreePorts.Take()}"),
            ("save-path", "/data"),
            ("health-addr", $"127.0.0.1:{health}"));
        using var http = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{health}") };
        Assert.That((await http.GetAsync(new Uri("/livez", UriKind.Relative)).DefaultTimeout()).StatusCode, Is.EqualTo(HttpStatusCode.OK));
        Assert.That((await http.GetAsync(new Uri("/readyz", UriKind.Relative)).DefaultTimeout()).StatusCode, Is.EqualTo(HttpStatusCode.ServiceUnavailable));
    }

    /// <summary>A destination that runs until it is disposed.</summary>
    private sealed class Running : IAsyncDisposable
    {
        private readonly CancellationTokenSource _stop = new();
        private Task _run = Task.CompletedTask;

        private Running(DestinationNode node) => Node = node;

        public DestinationNode Node { get; }

        public static async Task<Running> StartAsync(TempDirectory folder, string name, LogErrorGuard logs, params (string Name, string Value)[] more)
        {
            Dictionary<string, IReadOnlyList<string>> options = new()
            {
                ["data"] = [folder.CreateFolder(name, "data")],
                ["listen"] = ["127.0.0.1:0"],
                ["security"] = ["insecure"],
                ["min-free"] = ["0"],
                ["client"] = ["folder"],
                ["client-dir"] = [folder.CreateFolder(name, "torrents")],
                ["state-dir"] = [folder[name, "state"]],
                ["health-addr"] = ["127.0.0.1:0"],
            };
            foreach (var (option, value) in more)
            {
                options[option] = [value];
            }

            if (options["client"][0] != "folder")
            {
                options.Remove("client-dir");
            }

            var settings = RoleSettings.Read(Roles.Destination, options, new Dictionary<string, string>(), out var errors);
            Assert.That(errors, Is.Empty);
            var running = new Running(new DestinationNode(settings!, logs, TimeProvider.System, new Random(1)));
            await running.Node.StartAsync(CancellationToken.None);
            running._run = running.Node.RunAsync(running._stop.Token);
            return running;
        }

        public async ValueTask DisposeAsync()
        {
            await _stop.CancelAsync();
            await _run.DefaultTimeout();
            await Node.DisposeAsync();
            _stop.Dispose();
        }
    }
}
