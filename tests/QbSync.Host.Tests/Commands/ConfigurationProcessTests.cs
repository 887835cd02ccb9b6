using System.Net.Sockets;
using System.Text;
using QbSync.Testing.Processes;
using QbSync.Testing.Specifications;

namespace QbSync.Host.Tests.Commands;

/// <summary>The configuration as the executable takes it: refused, in force, taken anew.</summary>
[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
[System.Runtime.Versioning.UnsupportedOSPlatform("windows")]
internal sealed class ConfigurationProcessTests : IDisposable
{
    private const string Canary = "canary-5e1d";
    private readonly TempDirectory _folder = new();

    public void Dispose() => _folder.Dispose();

    [Test]
    [HostCase(2)]
    public async Task Source_TwoWrongVariablesAndAnEmptyTag_NamesBothAndMakesNothing()
    {
        Dictionary<string, string> environment = new()
        {
            ["QBSYNC_SOURCE_DATA"] = _folder.CreateFolder("data"),
            ["QBSYNC_SOURCE_CLIENT"] = "folder",
            ["QBSYNC_SOURCE_DESTINATION_ADDR"] = "127.0.0.1:1",
            ["QBSYNC_SOURCE_STATE_DIR"] = _folder["state"],
            ["QBSYNC_SOURCE_SLEEP"] = "abc",
            ["QBSYNC_SOURCE_NUM_SENDERS"] = "x",
            ["QBSYNC_SOURCE_SYNCED_TAG"] = "",
        };
        await using var refused = QbSyncProcess.Start(["source"], environment);
        Assert.That(await refused.WaitForExitAsync(), Is.EqualTo(2), refused.Output);
        Assert.That(
            refused.Output.Split(Environment.NewLine).Where(static line => line.StartsWith("--", StringComparison.Ordinal)).Select(static line => line.Split(':')[0]),
            Is.EquivalentTo(new[] { "--sleep (from QBSYNC_SOURCE_SLEEP)", "--num-senders (from QBSYNC_SOURCE_NUM_SENDERS)" }));
        Assert.That(Directory.Exists(_folder["state"]), Is.False);

        environment.Remove("QBSYNC_SOURCE_SLEEP");
        environment.Remove("QBSYNC_SOURCE_NUM_SENDERS");
        await using var printed = QbSyncProcess.Start(["source", "--print-config"], environment);
        Assert.That(await printed.WaitForExitAsync(), Is.Zero, printed.Output);
        Assert.That(printed.Output, Does.Match(@"(?m)^synced-tag +\(QBSYNC_SOURCE_SYNCED_TAG\)\r?$"));
        Assert.That(Directory.Exists(_folder["state"]), Is.False);
    }

    [Test]
    [HostCase(8)]
    public async Task Destination_InsecureBeyondLoopback_ExitsWith2AndWithBothOptionsWarns()
    {
        string[] basics = ["destination", "--data", _folder.Path, "--security", "insecure"];
        await using var refused = QbSyncProcess.Start([.. basics, "--listen", $"0.0.0.0:{FreePorts.Take()}", "--health-addr", ""]);
        Assert.That(await refused.WaitForExitAsync(), Is.EqualTo(2), refused.Output);

        var health = FreePorts.Take();
        await using var warned = QbSyncProcess.Start(
        [
            .. basics, "--insecure", "--listen", $"0.0.0.0:{FreePorts.Take()}", "--health-addr", $"127.0.0.1:{health}",
            "--qb-url", $"http://127.0.0.1:{FreePorts.Take()}", "--qb-username", "me", "--qb-password", Canary,
        ]);
        await Eventually.BecomesTrueAsync(async () => await Scrape.TryReadAsync(health) is not null);
        Assert.That(await warned.TerminateAsync(), Is.Zero, warned.Output);
        Assert.That(Count(warned.Output, "security=insecure: whoever can reach this machine"), Is.EqualTo(1));
        Assert.That(Count(warned.Output, "--qb-password is seen in process lists"), Is.EqualTo(1));
        Assert.That(warned.Output, Does.Not.Contain(Canary));

        var free = FreePorts.Take();
        await using var loopback = QbSyncProcess.Start([.. basics, "--listen", $"127.0.0.1:{FreePorts.Take()}", "--health-addr", $"127.0.0.1:{free}"]);
        await Eventually.BecomesTrueAsync(async () => await Scrape.TryReadAsync(free) is not null);
        Assert.That(await loopback.TerminateAsync(), Is.Zero, loopback.Output);
        Assert.That(loopback.Output, Does.Not.Contain("security=insecure: whoever"));
    }

    [Test]
    [HostCase(7)]
    public async Task Source_EverySecretAtTrace_IsInNoLogMetricOrPrintedLine([Values("console", "json")] string format)
    {
        var secret = _folder["secret"];
        await File.WriteAllTextAsync(secret, Canary + "-and-more-than-32-characters-of-it\n");
        var health = FreePorts.Take();
        string[] arguments =
        [
            "source", "--data", _folder.Path, "--state-dir", _folder["state"], "--health-addr", $"127.0.0.1:{health}", "--destination-addr", $"127.0.0.1:{FreePorts.Take()}",
            "--qb-url", $"http://127.0.0.1:{FreePorts.Take()}", "--qb-username", "me", "--qb-password-file", secret, "--log-level", "trace", "--log-format", format,
            "--security", "token", "--peer-token-file", secret,
        ];
        await using var printed = QbSyncProcess.Start([.. arguments, "--print-config"], new Dictionary<string, string> { ["QBSYNC_SOURCE_QB_BASIC_AUTH"] = $"proxy:{Canary}" });
        Assert.That(await printed.WaitForExitAsync(), Is.Zero, printed.Output);
        Assert.That(printed.Output, Does.Match(@"(?m)^peer-token +\*\*\* ").And.Not.Contain(Canary));

        await using var source = QbSyncProcess.Start(arguments, new Dictionary<string, string> { ["QBSYNC_SOURCE_QB_BASIC_AUTH"] = $"proxy:{Canary}" });
        await Eventually.BecomesTrueAsync(() => source.HasExited || source.Output.Contains("The torrent client does not answer", StringComparison.Ordinal));
        var scrape = await Scrape.TryReadAsync(health);
        Assert.That(await source.TerminateAsync(), Is.Zero, source.Output);
        Assert.That(scrape!.Text, Does.Not.Contain(Canary));
        Assert.That(source.Output, Does.Not.Contain(Canary));
        if (format == "json")
        {
            foreach (var line in source.Output.Split(Environment.NewLine, StringSplitOptions.RemoveEmptyEntries))
            {
                using var document = System.Text.Json.JsonDocument.Parse(line);
                Assert.That(document.RootElement.GetProperty("message").GetString(), Is.Not.Empty);
            }
        }
    }

    [Test]
    [HostCase(10)]
    public async Task Destination_StateFolderThatCannotBe_ExitsWith3()
    {
        // Nobody, not even root, makes a folder there.
        await using var destination = QbSyncProcess.Start(
            ["destination", "--data", _folder.Path, "--state-dir", "/proc/qbsync-state", "--health-addr", "", "--listen", $"127.0.0.1:{FreePorts.Take()}"]);
        Assert.That(await destination.WaitForExitAsync(), Is.EqualTo(3), destination.Output);
        Assert.That(Directory.EnumerateFileSystemEntries(_folder.Path), Is.Empty);
    }

    [Test]
    [HostCase(10)]
    public async Task Destination_EntriesOfAnotherProgramInItsState_AreLeftAsTheyAre()
    {
        var state = _folder.CreateFolder(".qbsync");
        Dictionary<string, string> entries = new() { ["synced.json"] = "{}", ["torrents/abc.state"] = "old", [".hidden"] = "x", ["abc.parts"] = "1" };
        foreach (var (name, text) in entries)
        {
            Directory.CreateDirectory(Path.GetDirectoryName(Path.Combine(state, name))!);
            await File.WriteAllTextAsync(Path.Combine(state, name), text);
        }

        var health = FreePorts.Take();
        await using var destination = QbSyncProcess.Start(
            ["destination", "--data", _folder.Path, "--client", "folder", "--health-addr", $"127.0.0.1:{health}", "--listen", $"127.0.0.1:{FreePorts.Take()}"]);
        await Eventually.BecomesTrueAsync(async () => destination.HasExited || await Scrape.TryReadAsync(health) is not null);
        Assert.That(await destination.TerminateAsync(), Is.Zero, destination.Output);
        foreach (var (name, text) in entries)
        {
            Assert.That(await File.ReadAllTextAsync(Path.Combine(state, name)), Is.EqualTo(text), name);
        }
    }

    [Test]
    public async Task Destination_Umask_IsThatOfItsFiles()
    {
        var health = FreePorts.Take();
        await using var destination = QbSyncProcess.Start(
        [
            "destination", "--data", _folder.Path, "--client", "folder", "--client-dir", _folder["torrents"], "--umask", "0077", "--state-dir", _folder["made", "state"],
            "--health-addr", $"127.0.0.1:{health}", "--listen", $"127.0.0.1:{FreePorts.Take()}",
        ]);
        await Eventually.BecomesTrueAsync(async () => destination.HasExited || await Scrape.TryReadAsync(health) is not null);
        Assert.That(await destination.TerminateAsync(), Is.Zero, destination.Output);
        var others = Directory.EnumerateFileSystemEntries(_folder.Path, "*", SearchOption.AllDirectories)
            .Where(static path => (File.GetUnixFileMode(path) & ~(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute)) != 0);
        Assert.That(others, Is.Empty);
    }

    [Test]
    [HostCase(9)]
    public async Task Source_Hangup_TakesAllOrNothingAndSaysWhatNeedsARestart()
    {
        var config = _folder["qbsync.json"];
        var health = FreePorts.Take();
        var peer = FreePorts.Take();
        await WriteAsync("\"rate-limit\": \"1MiB/s\"");
        await using var source = QbSyncProcess.Start(["source", "--config", config, "--min-space", "3"]);
        await SaysAsync("The source ");

        await WriteAsync("\"rate-limit\": \"2MiB/s\", \"sleep\": \"abc\", \"no-such\": 1");
        source.SendHangup();
        await SaysAsync("everything stays as it was: --sleep (from ");
        await SaysAsync("source.no-such: no such option. The closest is ");

        await WriteAsync("\"rate-limit\": \"2MiB/s\", \"log-level\": \"debug\", \"min-space\": \"9\", \"num-senders\": 7, \"exclude-category\": [\"a\"]");
        source.SendHangup();
        await SaysAsync("Changed: log-level, rate-limit, exclude-category.");
        await SaysAsync("--num-senders has another value now and needs restart.");

        // The flag is above the file, and what was refused before was not taken then.
        Assert.That(await source.TerminateAsync(), Is.Zero, source.Output);
        Assert.That(Count(source.Output, "The configuration was read anew"), Is.EqualTo(1));
        Assert.That(source.Output, Does.Not.Contain("--min-space has another value"));

        Task WriteAsync(string more) => File.WriteAllTextAsync(
            config,
            $$"""
            { "source": {
              "data": "{{_folder.CreateFolder("data")}}", "client": "folder", "state-dir": "{{_folder["state"]}}", "security": "insecure",
              "health-addr": "127.0.0.1:{{health}}", "destination-addr": "127.0.0.1:{{peer}}", {{more}}
            } }
            """);

        Task SaysAsync(string text) => Eventually.BecomesTrueAsync(() =>
        {
            Assert.That(source.HasExited, Is.False, source.Output);
            return source.Output.Contains(text, StringComparison.Ordinal);
        });
    }

    [Test]
    [HostCase(20)]
    public async Task Destination_HangupUnderASupervisor_SaysThatItReadsAnewAndIsReady()
    {
        using var supervisor = new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
        supervisor.Bind(new UnixDomainSocketEndPoint(_folder["notify"]));
        await using var destination = QbSyncProcess.Start(
            ["destination", "--data", _folder.CreateFolder("data"), "--client", "folder", "--health-addr", "", "--listen", $"127.0.0.1:{FreePorts.Take()}"],
            new Dictionary<string, string> { ["NOTIFY_SOCKET"] = _folder["notify"] });
        await HearsAsync("READY=1");
        destination.SendHangup();
        await HearsAsync("RELOADING=1");
        await HearsAsync("READY=1");
        Assert.That(await destination.TerminateAsync(), Is.Zero, destination.Output);
        await HearsAsync("STOPPING=1");

        // What it says of itself in between is its own affair.
        async Task HearsAsync(string state)
        {
            var message = new byte[4096];
            string heard;
            do
            {
                heard = Encoding.UTF8.GetString(message, 0, await supervisor.ReceiveAsync(message).DefaultTimeout());
            }
            while (!heard.StartsWith(state, StringComparison.Ordinal));
        }
    }

    private static int Count(string text, string part) => text.Split(part).Length - 1;
}
