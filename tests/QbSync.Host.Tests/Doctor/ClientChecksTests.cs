using QbSync.Host.Configuration;
using QbSync.Host.Doctor;
using QbSync.Host.Doctor.Client;
using QbSync.Host.Lifetime;
using QbSync.Ports;
using QbSync.Testing.Clients.Sim;
using QbSync.Testing.Specifications;

namespace QbSync.Host.Tests.Doctor;

/// <summary>What the doctor says of a client: real sockets, and a WebAPI behind them that answers as recorded.</summary>
[HostCase(36)]
internal sealed class ClientChecksTests
{
    [Test]
    public async Task Client_NobodyThere_FailsAndWhatNeedsItIsSkipped()
    {
        await using var lab = new DoctorLab(Roles.Source) { ["client"] = "qbittorrent", ["qb-url"] = $"http://127.0.0.1:{FreePorts.Take()}" };
        var lines = (await lab.RunAsync()).ToDictionary(static line => line.Id, static line => line.Finding.Outcome);
        Assert.Multiple(() =>
        {
            Assert.That(lines["client.reachable"], Is.EqualTo(Outcome.Fail));
            Assert.That(new[] { lines["client.login"], lines["client.version"], lines["paths.map"], lines["paths.hash"] }, Has.All.EqualTo(Outcome.Skip));
        });
    }

    [Test]
    public async Task Client_Slow_Warns()
    {
        await using var lab = new DoctorLab(Roles.Source);
        var time = lab.Time;
        var client = await lab.StartClientAsync();
        client.Server.Intercept("torrents/info", (_, usual) =>
        {
            time.Advance(TimeSpan.FromMilliseconds(501));
            return Task.FromResult(usual());
        });
        Assert.That((await lab.LookAsync("client.reachable")).Outcome, Is.EqualTo(Outcome.Warn));
    }

    [Test]
    public async Task Client_ThatLetsUsIn_IsLoggedInToOnceAndNothingIsChanged()
    {
        await using var lab = new DoctorLab(Roles.Source) { ["qb-username"] = "admin", ["qb-password"] = "right" };
        var client = await lab.StartClientAsync(access: static url => new FakeServerOptions { Url = url, RequireLogin = true });
        DoctorLab.Add(client, "torrent", 1).WriteContent(lab.Data);
        var before = Directory.EnumerateFileSystemEntries(lab.Folder.Path, "*", SearchOption.AllDirectories).Order().ToList();
        var lines = await lab.RunAsync();
        Assert.Multiple(() =>
        {
            Assert.That(
                lines.Where(static line => line.Id.StartsWith("client.", StringComparison.Ordinal) || line.Id.StartsWith("paths.", StringComparison.Ordinal)).Select(static line => line.Finding.Outcome),
                Has.All.EqualTo(Outcome.Ok),
                string.Join('\n', lines));
            Assert.That(client.Server.Calls.Count(static call => call.Endpoint == "auth/login"), Is.EqualTo(1));
            Assert.That(Directory.EnumerateFileSystemEntries(lab.Folder.Path, "*", SearchOption.AllDirectories).Order(), Is.EqualTo(before));
        });
    }

    [Test]
    public async Task Login_WrongPassword_FailsAfterOneTry()
    {
        await using var lab = new DoctorLab(Roles.Destination) { ["qb-username"] = "admin", ["qb-password"] = "wrong-canary" };
        var client = await lab.StartClientAsync(access: static url => new FakeServerOptions { Url = url, RequireLogin = true });
        var lines = await lab.RunAsync();
        Assert.Multiple(() =>
        {
            Assert.That(lines.Single(static line => line.Id == "client.login").Finding.Outcome, Is.EqualTo(Outcome.Fail));
            Assert.That(lines.Single(static line => line.Id == "client.reachable").Finding.Outcome, Is.EqualTo(Outcome.Ok));
            Assert.That(client.Server.FailureCount, Is.EqualTo(1));
            Assert.That(string.Join('\n', lines), Does.Not.Contain("wrong-canary"));
        });
    }

    [Test]
    public async Task Login_Banned_Fails()
    {
        await using var lab = new DoctorLab(Roles.Destination) { ["qb-username"] = "admin", ["qb-password"] = "wrong" };
        await lab.StartClientAsync(access: static url => new FakeServerOptions { Url = url, RequireLogin = true, MostFailures = 1 });
        await lab.RunAsync();
        lab["qb-password"] = "right";
        var finding = await lab.LookAsync("client.login");
        Assert.That((finding.Outcome, finding.Text.Contains("banned", StringComparison.Ordinal)), Is.EqualTo((Outcome.Fail, true)), finding.Text);
    }

    [Test]
    public async Task Login_ApiKeyThatIsNotKnown_Fails()
    {
        await using var lab = new DoctorLab(Roles.Destination) { ["qb-api-key"] = "qbt_0123456789abcdef0123456789abcdef" };
        await lab.StartClientAsync(access: static url => new FakeServerOptions { Url = url, RequireLogin = true });
        Assert.That((await lab.LookAsync("client.login")).Outcome, Is.EqualTo(Outcome.Fail));
    }

    [TestCase("http://192.168.1.20:8080", false, (int)Outcome.Warn)]
    [TestCase("http://192.168.1.20:8080", true, (int)Outcome.Ok)]
    [TestCase("http://[::1]:8080", false, (int)Outcome.Ok)]
    [TestCase("http://localhost:8080", false, (int)Outcome.Ok)]
    public void Login_NotAskedFor_WarnsBeyondLoopback(string url, bool hasCredentials, int outcome) => Assert.That(
        ClientLoginCheck.Judge(new ClientAnswer(new ClientDescription { Product = "qBittorrent 5.1.0" }, null, TimeSpan.Zero), new Uri(url), hasCredentials).Outcome,
        Is.EqualTo((Outcome)outcome));

    [TestCase("2.2.0", Roles.Destination, (int)Outcome.Fail)]
    [TestCase("2.8.4", Roles.Source, (int)Outcome.Fail)]
    [TestCase("2.8.4", Roles.Destination, (int)Outcome.Ok)]
    [TestCase("2.99.0", Roles.Source, (int)Outcome.Warn)]
    public async Task Version_TooOldOrWithoutExportOrNew_IsJudged(string api, Roles role, int outcome)
    {
        await using var lab = new DoctorLab(role);
        await lab.StartClientAsync(new SimClientOptions { SavePath = lab.Data, Generation = new SimGeneration(new Version(api)) });
        var finding = await lab.LookAsync("client.version");
        Assert.That(finding.Outcome, Is.EqualTo((Outcome)outcome), finding.Text);
    }

    [TestCase(Roles.Source)]
    [TestCase(Roles.Destination)]
    public async Task Paths_MountedElsewhere_FailAndTheProposalPasses(Roles role)
    {
        await using var lab = new DoctorLab(role);
        var client = await lab.StartClientAsync(new SimClientOptions { SavePath = "/downloads" });
        DoctorLab.Add(client, "one", 1).WriteContent(lab.Data);
        DoctorLab.Add(client, "two", 2, "/downloads/tv").WriteContent(lab.Folder["data", "tv"]);
        if (role == Roles.Source)
        {
            // A source takes its data for the client's default folder; here somebody has said otherwise.
            lab["path-map"] = $"/downloads={lab.Folder.CreateFolder("elsewhere")}";
        }

        var finding = await lab.LookAsync("paths.map");
        Assert.That(finding.Outcome, Is.EqualTo(Outcome.Fail), finding.Text);
        Assert.That(finding.Hint, Does.Contain(role == Roles.Source ? $"--path-map /downloads={lab.Data}" : $"--save-path /downloads --data {lab.Data}"));
        lab[role == Roles.Source ? "path-map" : "save-path"] = role == Roles.Source ? $"/downloads={lab.Data}" : "/downloads";
        Assert.That((await lab.LookAsync("paths.map")).Outcome, Is.EqualTo(Outcome.Ok));
    }

    [Test]
    public async Task Paths_SomeNotFound_Warns()
    {
        await using var lab = new DoctorLab(Roles.Source);
        var client = await lab.StartClientAsync();
        DoctorLab.Add(client, "here", 1).WriteContent(lab.Data);
        DoctorLab.Add(client, "gone", 2);
        var finding = await lab.LookAsync("paths.map");
        Assert.That((finding.Outcome, finding.Text.Contains("gone", StringComparison.Ordinal)), Is.EqualTo((Outcome.Warn, true)));
    }

    [Test]
    public async Task Paths_OtherContentOfThatSize_FailsByItsHash()
    {
        await using var lab = new DoctorLab(Roles.Source);
        var client = await lab.StartClientAsync();
        var torrent = DoctorLab.Add(client, "torrent", 1);
        torrent.WriteContent(lab.Data);
        var file = Path.Combine(lab.Data, torrent.Files[0].RelativePath);
        var bytes = await File.ReadAllBytesAsync(file);
        bytes[100] ^= 1;
        await File.WriteAllBytesAsync(file, bytes);
        var lines = await lab.RunAsync();
        Assert.Multiple(() =>
        {
            Assert.That(lines.Single(static line => line.Id == "paths.map").Finding.Outcome, Is.EqualTo(Outcome.Ok));
            Assert.That(lines.Single(static line => line.Id == "paths.hash").Finding.Outcome, Is.EqualTo(Outcome.Fail));
            Assert.That(DoctorReport.GetExitCode(lines, isStrict: false), Is.EqualTo(ExitCodes.BadAnswer));
        });
    }
}
