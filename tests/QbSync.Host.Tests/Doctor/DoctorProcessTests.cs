using System.Diagnostics;
using System.Text.Json;
using QbSync.Host.Configuration;
using QbSync.Testing.Processes;
using QbSync.Testing.Specifications;

namespace QbSync.Host.Tests.Doctor;

/// <summary>The command itself.</summary>
[HostCase(36)]
internal sealed class DoctorProcessTests
{
    [Test]
    public async Task Doctor_WithFewFilesAllowed_SaysSoAndEndsWith4()
    {
        using var folder = new TempDirectory();
        using var shell = Process.Start(new ProcessStartInfo(
            "sh",
            [
                "-c", "ulimit -n 512; exec dotnet \"$0\" \"$@\"", Path.Combine(AppContext.BaseDirectory, "qbsync.dll"), "doctor", "destination", "--json",
                "--data", folder.Path, "--client", "folder", "--listen", $"127.0.0.1:{FreePorts.Take()}", "--min-free", "0",
            ])
        {
            RedirectStandardOutput = true,
        })!;
        var output = await shell.StandardOutput.ReadToEndAsync().DefaultTimeout();
        await shell.WaitForExitAsync().DefaultTimeout();
        Assert.That(shell.ExitCode, Is.EqualTo(4), output);
        using var document = JsonDocument.Parse(output);
        var findings = document.RootElement.GetProperty("checks").EnumerateArray()
            .Select(static check => (check.GetProperty("id").GetString(), check.GetProperty("result").GetString(), check.GetProperty("finding").GetString()));
        Assert.That(findings, Does.Contain(("limits.files", "fail", "512 files may be open, less than 1024")));
        Assert.That(Directory.GetFileSystemEntries(folder.Path), Is.Empty);
    }

    [Test]
    public async Task Doctor_WithoutARoleOrWithAnUnknownFlag_EndsWith2()
    {
        await using var without = QbSyncProcess.Start(["doctor"]);
        await using var unknown = QbSyncProcess.Start(["doctor", "source", "--no-such-flag"]);
        Assert.That((await without.WaitForExitAsync(), await unknown.WaitForExitAsync()), Is.EqualTo((2, 2)), without.Output + unknown.Output);
    }

    /// <summary>Whoever reads a finding's name finds it there.</summary>
    [Test]
    public void Checks_Each_IsInTheDocs()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder!.FullName, "docs", "troubleshooting.md")))
        {
            folder = folder.Parent;
        }

        var page = File.ReadAllText(Path.Combine(folder.FullName, "docs", "troubleshooting.md"));
        Assert.That(QbSync.Host.Doctor.DoctorChecks.All.Select(static check => check.Id).Append("config.valid").Where(id => !page.Contains($"| {id} |", StringComparison.Ordinal)), Is.Empty);
        Assert.That(QbSync.Host.Doctor.DoctorChecks.All.Select(static check => check.Roles), Has.None.EqualTo(default(Roles)));
    }
}
