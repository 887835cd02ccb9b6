using System.Globalization;
using System.Text.RegularExpressions;
using QbSync.Testing.Specifications;

namespace QbSync.ArchitectureTests;

public sealed partial class SpecificationTests
{
    /// <summary>The sources are read, so that the cases of every test project count without loading it.</summary>
    [Test]
    public void DestinationCases_EachNumber_HasATest()
    {
        var covered = Covered();
        Assert.That(Numbers().Where(number => !covered.Contains(number)), Is.Empty, "cases without a test");
    }

    [Test]
    public void DestinationCases_Marks_NameCasesThatExist() => Assert.That(Covered().Except(Numbers()), Is.Empty);

    private static IEnumerable<int> Numbers() => Enumerable.Range(1, DestinationCaseAttribute.Last);

    private static HashSet<int> Covered() =>
        [.. Repository.Files("tests", "*.cs")
            .SelectMany(file => Mark().Matches(Repository.Read(file)))
            .Select(match => int.Parse(match.Groups["number"].Value, CultureInfo.InvariantCulture))];

    [GeneratedRegex(@"\bDestinationCase\((?<number>\d+)\)")]
    private static partial Regex Mark();
}
