using System.Text.RegularExpressions;
using QbSync.Testing.Monitoring;
using QbSync.Testing.Specifications;

namespace QbSync.ArchitectureTests;

/// <summary>The alerts that come with QbSync, read and executed by Prometheus' own tool.</summary>
internal sealed partial class AlertRulesTests
{
    private const string Rules = "deploy/prometheus/rules.yml";
    private const string Cases = "deploy/prometheus/rules.test.yml";

    [Test]
    [MetricCase("Q5")]
    public async Task Rules_AreSound() => await Promtool.RunAsync(Repository.Root, null, "check", "rules", Rules);

    [Test]
    public async Task Configuration_ThatIsGivenAsAnExample_IsSound() =>
        await Promtool.RunAsync(Repository.Root, null, "check", "config", "deploy/prometheus/prometheus.yml");

    [Test]
    [MetricCase("Q5")]
    public async Task Rules_EachCase_FiresOrKeepsSilentAsItIsToDo() => await Promtool.RunAsync(Repository.Root, null, "test", "rules", Cases);

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

    /// <summary>The page says of each what the rules say: how grave it is, after which time, and the expression.</summary>
    [Test]
    public void Rules_Each_IsOnItsPageAsItIs()
    {
        var docs = Repository.Read("docs/alerts.md");
        using (Assert.EnterMultipleScope())
        {
            foreach (var rule in Repository.Read(Rules).Split("      - alert: ").Skip(1))
            {
                var name = rule[..rule.IndexOf('\n', StringComparison.Ordinal)];
                var expression = Spaces().Replace(Expression().Match(rule).Groups["text"].Value, " ").Trim();
                var wait = Wait().Match(rule) is { Success: true } found ? $", after {found.Groups["text"].Value}" : "";
                Assert.That(docs, Does.Contain($"\n## {name}\n\n*{Severity().Match(rule).Groups["text"].Value}*{wait}: `{expression}`\n"));
                Assert.That(rule, Does.Match(@"\n {10}summary: ""\S.*""\n {10}description: ""\S.*""\n {10}runbook_url: \S+\n"), name);
            }
        }
    }

    [GeneratedRegex(@"\n {8}expr: \|?(?<text>.*?)\n {8}\w", RegexOptions.Singleline)]
    private static partial Regex Expression();

    [GeneratedRegex(@"\n {8}for: (?<text>\w+)")]
    private static partial Regex Wait();

    [GeneratedRegex(@"\n {10}severity: (?<text>\w+)")]
    private static partial Regex Severity();

    [GeneratedRegex(@"\s+")]
    private static partial Regex Spaces();

    [GeneratedRegex(@"- alert: (?<name>\w+)")]
    private static partial Regex AlertName();
}
