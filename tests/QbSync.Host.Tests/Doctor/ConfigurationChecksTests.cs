using System.Net;
using System.Net.Sockets;
using QbSync.Host.Configuration;
using QbSync.Host.Doctor;
using QbSync.Host.Doctor.Machine;
using QbSync.Host.Lifetime;
using QbSync.Host.Logging;
using QbSync.Testing.Specifications;

namespace QbSync.Host.Tests.Doctor;

/// <summary>What the doctor says of the configuration itself, of the process and of the machine's addresses.</summary>
[HostCase(36)]
internal sealed class ConfigurationChecksTests
{
    [Test]
    public async Task Configuration_WithAnError_FailsAndNothingElseIsLookedAt()
    {
        await using var lab = new DoctorLab(Roles.Destination) { ["data"] = "/nowhere", ["min-free"] = "much" };
        var lines = await lab.RunAsync();
        Assert.Multiple(() =>
        {
            Assert.That(lines[0].Id, Is.EqualTo("config.valid"));
            Assert.That(lines[0].Finding.Outcome, Is.EqualTo(Outcome.Fail));
            Assert.That(lines[0].Finding.Text, Does.Contain("--data (from flag)").And.Contain("--min-free (from flag)"));
            Assert.That(lines.Skip(1).Select(static line => line.Finding.Outcome), Has.All.EqualTo(Outcome.Skip));
            Assert.That(DoctorReport.GetExitCode(lines, isStrict: false), Is.EqualTo(ExitCodes.BadAnswer));
        });
    }

    [Test]
    public async Task Configuration_SetTwice_WarnsWhereTheValuesDiffer()
    {
        await using var lab = new DoctorLab(Roles.Source) { ["sleep"] = "10s", ["source-name"] = "same" };
        lab.Environment["QBSYNC_SOURCE_SLEEP"] = "20s";
        lab.Environment["QBSYNC_SOURCE_SOURCE_NAME"] = "same";
        var finding = await lab.LookAsync("config.valid");
        Assert.Multiple(() =>
        {
            Assert.That(finding.Outcome, Is.EqualTo(Outcome.Warn));
            Assert.That(finding.Text, Is.EqualTo("set twice with different values: sleep (by flag, which counts, and by QBSYNC_SOURCE_SLEEP)"));
        });
        lab.Environment["QBSYNC_SOURCE_SLEEP"] = "10000ms";
        Assert.That((await lab.LookAsync("config.valid")).Outcome, Is.EqualTo(Outcome.Ok));
    }

    [Test]
    public async Task Listen_AddressOfAnotherProgram_Fails()
    {
        using var other = new TcpListener(IPAddress.Loopback, 0);
        other.Start();
        await using var lab = new DoctorLab(Roles.Destination) { ["listen"] = other.LocalEndpoint.ToString()! };
        Assert.That((await lab.LookAsync("listen.bind")).Outcome, Is.EqualTo(Outcome.Fail));
    }

    [Test]
    public async Task Listen_PlainBeyondLoopback_WarnsAndFailsWhenStrict()
    {
        await using var lab = new DoctorLab(Roles.Destination) { ["listen"] = $"0.0.0.0:{FreePorts.Take()}", ["security"] = "insecure", ["insecure"] = "true" };
        var lines = await lab.RunAsync();
        Assert.Multiple(() =>
        {
            Assert.That(lines.Single(static line => line.Id == "listen.bind").Finding.Outcome, Is.EqualTo(Outcome.Warn));
            Assert.That(DoctorReport.GetExitCode(lines, isStrict: false), Is.Zero);
            Assert.That(DoctorReport.GetExitCode(lines, isStrict: true), Is.EqualTo(ExitCodes.BadAnswer));
        });
    }

    [Test]
    public async Task Http_OpenBeyondLoopback_Warns()
    {
        await using var lab = new DoctorLab(Roles.Source) { ["health-addr"] = ":8080", ["http-open"] = "true" };
        Assert.That((await lab.LookAsync("http.access")).Outcome, Is.EqualTo(Outcome.Warn));
        lab["http-token"] = "0123456789abcdef";
        Assert.That((await lab.LookAsync("http.access")).Outcome, Is.EqualTo(Outcome.Ok));
    }

    [TestCase("Max open files            1023                 524288               files", (int)Outcome.Fail)]
    [TestCase("Max open files            1024                 524288               files", (int)Outcome.Warn)]
    [TestCase("Max open files            8192                 524288               files", (int)Outcome.Ok)]
    [TestCase("Max open files            unlimited            unlimited            files", (int)Outcome.Ok)]
    public void OpenFiles_ByTheTableOfTheSystem_AreJudged(string line, int outcome) => Assert.That(
        OpenFilesCheck.Judge(OpenFilesCheck.Parse($"Limit                     Soft Limit           Hard Limit           Units\n{line}\n")!.Value).Outcome, Is.EqualTo((Outcome)outcome));

    [Test]
    public void Line_WithTextOfOthers_IsOneAndHidesSecrets() => Assert.That(
        DoctorReport.ToLine(new DoctorLine("client.login", Finding.Fail("it said\nok  hunter2 \u202e", "See.")), new Redactor(["hunter2"])),
        Is.EqualTo("fail  client.login      it said\\u000aok  *** \\u202e  (See.)"));
}
