using System.Text.RegularExpressions;

namespace QbSync.ArchitectureTests;

/// <summary>The alerts that come with QbSync, read and executed by Prometheus' own tool.</summary>
internal sealed partial class AlertRulesTests
{
    private const string Rules = "deploy/prometheus/rules.yml";
    private const string Cases = "deploy/prometheus/rules.test.yml";

    [Test]
    public async Task Rules_AreSound() => await Promtool.RunAsync("check", "rules", Rules);

    [Test]
    public async Task Rules_EachCase_FiresOrKeepsSilentAsItIsToDo() => await Promtool.RunAsync("test", "rules", Cases);

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

    [GeneratedRegex(@"- alert: (?<name>\w+)")]
    private static partial Regex AlertName();
}
