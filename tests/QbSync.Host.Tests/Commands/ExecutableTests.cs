using QbSync.Testing.Processes;
using QbSync.Testing.Specifications;

namespace QbSync.Host.Tests.Commands;

/// <summary>The executable itself, as a person or a supervisor meets it.</summary>
internal sealed class ExecutableTests
{
    [Test]
    public async Task Demo_BetweenFolders_ProvesTheCopyAndCanDoSoAgain()
    {
        using var folder = new TempDirectory();
        var kept = folder["demo"];
        await using var demo = QbSyncProcess.Start(["demo", "--seed", "1", "--dir", kept]);
        Assert.That(await demo.WaitForExitAsync(), Is.Zero, demo.Output);
        Assert.That(demo.Output, Does.Contain("Proved: every file by SHA-256, every piece by its hash."));

        await using var again = QbSyncProcess.Start(["demo", "--verify", kept]);
        Assert.That(await again.WaitForExitAsync(), Is.Zero, again.Output);

        var file = Path.Combine(kept, "destination", "data", "A live download.bin");
        var bytes = await File.ReadAllBytesAsync(file);
        bytes[70_000_000] ^= 1;
        await File.WriteAllBytesAsync(file, bytes);
        await using var flipped = QbSyncProcess.Start(["demo", "--verify", kept]);
        Assert.That(await flipped.WaitForExitAsync(), Is.EqualTo(1), flipped.Output);
        Assert.That(flipped.Output, Does.Contain("A live download.bin: piece 66 has another hash"));
    }

    [Test]
    public async Task Source_NothingSet_ExitsWith2AndNamesEverything()
    {
        await using var source = QbSyncProcess.Start(["source"]);
        Assert.That(await source.WaitForExitAsync(), Is.EqualTo(2), source.Output);
        Assert.That(source.Output, Does.Contain("--data").And.Contain("--destination-addr").And.Contain("--qb-url"));
    }

    [Test]
    public async Task AnyCommand_UnknownFlag_ExitsWith2()
    {
        await using var process = QbSyncProcess.Start(["destination", "--no-such-flag", "1"]);
        Assert.That(await process.WaitForExitAsync(), Is.EqualTo(2), process.Output);
    }

    [Test]
    public async Task Destination_AddressInUse_ExitsWith3()
    {
        using var folder = new TempDirectory();
        using var taken = new System.Net.Sockets.TcpListener(System.Net.IPAddress.Loopback, 0);
        taken.Start();
        await using var process = QbSyncProcess.Start(
            ["destination", "--data", folder.Path, "--client", "folder", "--health-addr", "", "--listen", taken.LocalEndpoint.ToString()!]);
        Assert.That(await process.WaitForExitAsync(), Is.EqualTo(3), process.Output);
    }

    [Test]
    public async Task Destination_StateInUse_SecondOneExitsWith3AndNamesTheProcess()
    {
        using var folder = new TempDirectory();
        var health = FreePorts.Take();
        await using var first = QbSyncProcess.Start(["destination", "--data", folder.Path, "--client", "folder", "--health-addr", $"127.0.0.1:{health}", "--listen", $"127.0.0.1:{FreePorts.Take()}"]);
        await ReadyAsync(health);
        await using var second = QbSyncProcess.Start(["destination", "--data", folder.Path, "--client", "folder", "--health-addr", "", "--listen", $"127.0.0.1:{FreePorts.Take()}"]);
        Assert.That(await second.WaitForExitAsync(), Is.EqualTo(3), second.Output);
        Assert.That(first.HasExited, Is.False);
        Assert.That(await first.TerminateAsync(), Is.Zero, first.Output);
    }

    /// <summary>Whichever comes first keeps the folder and what it has there; the other leaves no trace.</summary>
    [Test]
    public async Task Destinations_TwoOfOneStateFolderAtOnce_OneRunsWithItsControlSocket()
    {
        using var folder = new TempDirectory();
        QbSyncProcess Start() => QbSyncProcess.Start(
            ["destination", "--data", folder.Path, "--client", "folder", "--state-dir", folder["state"], "--health-addr", "", "--listen", $"127.0.0.1:{FreePorts.Take()}"]);
        await using var one = Start();
        await using var two = Start();
        await Eventually.BecomesTrueAsync(() => one.HasExited || two.HasExited);
        var (loser, winner) = one.HasExited ? (one, two) : (two, one);
        Assert.That(await loser.WaitForExitAsync(), Is.EqualTo(3), loser.Output);

        await Eventually.BecomesTrueAsync(() => winner.HasExited || winner.Output.Contains("The destination ", StringComparison.Ordinal));
        Assert.That(winner.Output, Does.Not.Contain("There is no control socket"));
        await using var status = QbSyncProcess.Start(["status", "--role", "destination", "--state-dir", folder["state"], "--probe", "livez"]);
        Assert.That(await status.WaitForExitAsync(), Is.Zero, winner.Output);
        Assert.That(await winner.TerminateAsync(), Is.Zero, winner.Output);
        Assert.That(File.Exists(folder["state", "control.sock"]), Is.False);
    }

    [Test]
    public async Task Destination_AddressOfAnotherMachine_ExitsWith3()
    {
        using var folder = new TempDirectory();
        await using var process = QbSyncProcess.Start(
            ["destination", "--data", folder.Path, "--client", "folder", "--health-addr", "", "--listen", "198.51.100.7:50051"]);
        Assert.That(await process.WaitForExitAsync(), Is.EqualTo(3), process.Output);
        Assert.That(process.Output, Does.Contain("could not start"));
    }

    [Test]
    [SourceCase(82)]
    public async Task Source_RecordOfANewerVersion_ExitsWith3AndLeavesItAsItIs()
    {
        using var folder = new TempDirectory();
        var id = new string('a', 40);
        var record = System.Text.Encoding.UTF8.GetBytes($"{{ \"Version\": 99, \"Id\": \"{id}\", \"ClientId\": \"c\", \"Name\": \"film\" }}");
        await using (var records = new Storage.State.DurableRecords(folder["state"], Microsoft.Extensions.Logging.Abstractions.NullLoggerFactory.Instance))
        {
            await records.WriteAsync($"torrents/{id}.json", record, default);
        }

        var file = Path.Combine(folder["state"], "torrents", $"{id}.json.rec");
        var before = await File.ReadAllBytesAsync(file);
        foreach (var dry in (string[])["false", "true"])
        {
            await using var source = QbSyncProcess.Start(
            [
                "source", "--data", folder.Path, "--client", "folder", "--state-dir", folder["state"], "--health-addr", "", "--security", "insecure",
                "--destination-addr", $"127.0.0.1:{FreePorts.Take()}", "--dry-run", dry,
            ]);
            Assert.That(await source.WaitForExitAsync(), Is.EqualTo(3), source.Output);
            Assert.That(source.Output, Does.Contain("newer version"));
            Assert.That(await File.ReadAllBytesAsync(file), Is.EqualTo(before));
        }
    }

    [Test]
    public async Task Source_PeerAway_LivesServesHealthAndStopsCleanly()
    {
        using var folder = new TempDirectory();
        var health = FreePorts.Take();
        await using var source = QbSyncProcess.Start(
            ["source", "--data", folder.Path, "--client", "folder", "--state-dir", folder["state"], "--health-addr", $"127.0.0.1:{health}", "--destination-addr", $"127.0.0.1:{FreePorts.Take()}"]);
        using var http = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{health}") };
        await Eventually.BecomesTrueAsync(async () => await Scrape.TryReadAsync(health) is not null);
        Assert.Multiple(async () =>
        {
            Assert.That(await http.GetStringAsync("/healthz"), Is.EqualTo("ok"));
            Assert.That(await http.GetStringAsync("/livez"), Is.EqualTo("ok"));
            Assert.That((int)(await http.GetAsync("/readyz")).StatusCode, Is.EqualTo(503));
        });
        Assert.That(await source.TerminateAsync(), Is.Zero, source.Output);
    }

    private static async Task ReadyAsync(int health)
    {
        using var http = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{health}") };
        await Eventually.BecomesTrueAsync(async () =>
        {
            try
            {
                return (await http.GetAsync("/readyz")).IsSuccessStatusCode;
            }
            catch (Exception error) when (error is HttpRequestException or TaskCanceledException)
            {
                return false;
            }
        });
    }
}
