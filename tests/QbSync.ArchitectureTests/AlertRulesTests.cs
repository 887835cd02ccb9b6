using System.Diagnostics;
using System.Text.RegularExpressions;
using QbSync.Testing.Waiting;

namespace QbSync.ArchitectureTests;

/// <summary>The alerts that come with QbSync, read and executed by Prometheus' own tool.</summary>
internal sealed partial class AlertRulesTests
{
    private const string Rules = "deploy/prometheus/rules.yml";
    private const string Cases = "deploy/prometheus/rules.test.yml";

    [Test]
    public async Task Rules_AreSound() => await RunPromtoolAsync("check", "rules", Rules);

    [Test]
    public async Task Rules_EachCase_FiresOrKeepsSilentAsItIsToDo() => await RunPromtoolAsync("test", "rules", Cases);

    [Test]
    public void Rules_Each_HasBothCasesAndAPlaceInTheDocs()
    {
        var rules = Repository.Read(Rules);
        var names = AlertName().Matches(rules).Select(static match => match.Groups["name"].Value).ToList();
        var cases = Repository.Read(Cases);
        var docs = Repository.Read("docs/alerts.md");
        Assert.That(names, Has.Count.EqualTo(23).And.Unique);
        using (Assert.EnterMultipleScope())
        {
            foreach (var name in names)
            {
                Assert.That(cases, Does.Contain($"name: {name} fires\n").And.Contain($"name: {name} keeps silent\n"));
                Assert.That(docs, Does.Contain($"\n## {name}\n"));
                Assert.That(rules, Does.Contain($"runbook_url: docs/alerts.md#{name.ToLowerInvariant()}\n"));
            }
        }
    }

    private static async Task RunPromtoolAsync(params string[] arguments)
    {
        ProcessStartInfo start = new("promtool", arguments)
        {
            WorkingDirectory = Repository.Root, RedirectStandardOutput = true, RedirectStandardError = true,
        };
        Process process;
        try
        {
            process = Process.Start(start)!;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            Assert.Ignore("promtool is not installed; it comes with Prometheus.");
            return;
        }

        using (process)
        {
            var output = process.StandardOutput.ReadToEndAsync();
            var errors = process.StandardError.ReadToEndAsync();
            await process.WaitForExitAsync().DefaultTimeout();
            Assert.That(process.ExitCode, Is.Zero, await output + await errors);
        }
    }

    [GeneratedRegex(@"- alert: (?<name>\w+)")]
    private static partial Regex AlertName();
}
