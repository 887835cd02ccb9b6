using System.Globalization;
using System.Text.RegularExpressions;
using QbSync.Testing.Specifications;

namespace QbSync.ArchitectureTests;

public sealed class SpecificationTests
{
    /// <summary>The sources are read, so that the cases of every test project count without loading it.</summary>
    [TestCase("Destination", DestinationCaseAttribute.Last)]
    [TestCase("Transport", TransportCaseAttribute.Last)]
    [TestCase("Client", ClientCaseAttribute.Last)]
    [TestCase("Source", SourceCaseAttribute.Last)]
    public void Cases_EachNumber_HasATest(string part, int last)
    {
        var covered = Covered(part);
        Assert.That(Enumerable.Range(1, last).Where(number => !covered.Contains(number)).Select(number => (part, number)), Is.EquivalentTo(NotBuilt(part)));
    }

    [TestCase("Destination", DestinationCaseAttribute.Last)]
    [TestCase("Transport", TransportCaseAttribute.Last)]
    [TestCase("Client", ClientCaseAttribute.Last)]
    [TestCase("Source", SourceCaseAttribute.Last)]
    public void Cases_Marks_NameCasesThatExist(string part, int last) => Assert.That(Covered(part).Except(Enumerable.Range(1, last)), Is.Empty);

    [Test]
    public void MetricCases_EachId_HasATest() => Assert.That(MetricCaseAttribute.Ids.Except(CoveredMetrics()), Is.Empty);

    [Test]
    public void MetricCases_Marks_NameCasesThatExist() => Assert.That(CoveredMetrics().Except(MetricCaseAttribute.Ids), Is.Empty);

    /// <summary>A family that no test looks at may well never move.</summary>
    [Test]
    [MetricCase("Q2")]
    public void MetricFamilies_Each_IsLookedAtByATest()
    {
        // Those that look at all families alike say nothing of one.
        var tests = string.Join('\n', Repository.Files("tests", "*Tests.cs")
            .Where(static file => !file.Contains("Dashboard", StringComparison.Ordinal) && !file.Contains("Conformance", StringComparison.Ordinal))
            .Select(Repository.Read));
        var families = Regex.Matches(Repository.Read("METRICS.md"), @"^\| `(?<name>qbsync_\w+)` \|", RegexOptions.Multiline).Select(static match => match.Groups["name"].Value);
        Assert.That(families.Where(family => !Regex.IsMatch(tests, $@"{family}(_count|_sum|_bucket)?\b")), Is.Empty);
    }

    /// <summary>Cases of what does not exist yet: one source has one destination.</summary>
    private static (string Part, int Number)[] NotBuilt(string part) => part == "Source" ? [("Source", 127)] : [];

    private static HashSet<int> Covered(string part)
    {
        var mark = new Regex($@"\b{part}Case\((?<number>\d+)\)");
        return
        [
            .. Repository.Files("tests", "*.cs")
                .SelectMany(file => mark.Matches(Repository.Read(file)))
                .Select(match => int.Parse(match.Groups["number"].Value, CultureInfo.InvariantCulture)),
        ];
    }

    private static HashSet<string> CoveredMetrics()
    {
        var mark = new Regex("""\bMetricCase\("(?<id>[^"]*)"\)""");
        return
        [
            .. Repository.Files("tests", "*.cs")
                .SelectMany(file => mark.Matches(Repository.Read(file)))
                .Select(match => match.Groups["id"].Value),
        ];
    }
}
