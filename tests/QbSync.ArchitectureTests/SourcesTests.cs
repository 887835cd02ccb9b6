using System.Text.RegularExpressions;

namespace QbSync.ArchitectureTests;

public sealed partial class SourcesTests
{
    private static readonly string[] BannedFolders = ["Helpers", "Helper", "Common", "Utils", "Util", "Utilities", "Managers", "Misc", "Extensions"];

    [Test]
    public void Source_Length_AtMost400LinesAndMostlySmall()
    {
        var lines = Repository.Files("src", "*.cs").ToDictionary(file => file, file => Repository.ReadLines(file).Length);
        var sorted = lines.Values.Order().ToList();
        Assert.Multiple(() =>
        {
            Assert.That(lines.Where(file => file.Value > 400), Is.Empty);
            Assert.That(sorted[sorted.Count / 2], Is.LessThanOrEqualTo(90), "median");
            Assert.That(sorted[sorted.Count * 9 / 10], Is.LessThanOrEqualTo(250), "90th percentile");
        });
    }

    [Test]
    public void Source_Folders_AreNamedByWhatHappensThere() => Assert.That(
        Repository.Files("src", "*.cs").Where(file => file.Split('/').SkipLast(1).Any(BannedFolders.Contains)),
        Is.Empty);

    [Test]
    public void Program_Length_AtMost60Lines() => Assert.That(Repository.ReadLines("src/QbSync.Host/Program.cs"), Has.Length.LessThanOrEqualTo(60));

    [TestCase("#region", @"^\s*#region")]
    [TestCase("test hook", @"^\s*#if\b")]
    [TestCase("DllImport", @"\[DllImport\b")]
    [TestCase("Thread.Sleep", @"\bThread\.Sleep\(")]
    [TestCase("banner", @"//\s*[-=*#]{4,}")]
    [TestCase("direct log call", @"\.Log(Trace|Debug|Information|Warning|Error|Critical)\(")]
    [TestCase("open work", @"\b(TODO|FIXME|HACK|NotImplementedException)\b")]
    [TestCase("shared metrics", @"\bMetrics\.(CreateCounter|CreateGauge|CreateHistogram|CreateSummary|DefaultRegistry|DefaultFactory)\b")]
    [TestCase("blocking wait", @"\.(GetAwaiter\(\)\.GetResult\(\)|Wait\(\))")]
    [TestCase("unbounded channel", @"\bChannel\.CreateUnbounded\b")]
    public void Source_Text_Never(string what, string pattern) => Assert.That(Find("src", "*.cs", pattern), Is.Empty, what);

    /// <summary>The reason trails the statement, or stands above it.</summary>
    [Test]
    public void Source_Channels_SayWhyTheirBound() => Assert.That(
        Repository.Files("src", "*.cs").SelectMany(file =>
        {
            var lines = Repository.ReadLines(file);
            return lines.Index().Where(item => item.Item.Contains("Channel.CreateBounded", StringComparison.Ordinal)).Where(item =>
            {
                var end = Array.FindIndex(lines, item.Index, line => line.Contains(';', StringComparison.Ordinal));
                return !Array.Exists(lines[Math.Max(0, item.Index - 1)..(end + 1)], line => line.Contains("//", StringComparison.Ordinal));
            }).Select(item => $"{file}:{item.Index + 1}");
        }),
        Is.Empty);

    [TestCase("Thread.Sleep", @"\bThread\.Sleep\(")]
    [TestCase("legacy assert", @"\b(Assert\.AreEqual|ClassicAssert)\b")]
    [TestCase("retried test", @"\[Retry\b")]
    public void Tests_Text_Never(string what, string pattern) => Assert.That(
        Find("tests", "*.cs", pattern).Where(place => !place.StartsWith("tests/QbSync.ArchitectureTests/", StringComparison.Ordinal)),
        Is.Empty,
        what);

    /// <summary>The addresses are read from the machine, so that the test does not write down what it forbids.</summary>
    [Test]
    public void Tree_Text_NamesNoMachineAndNoPackageSource()
    {
        var sources = MachineSources().ToList();
        var offenders = Repository.Files("", "*").Where(file => !IsBinary(file)).Where(file =>
        {
            var text = Repository.Read(file);
            return MachinePath().IsMatch(text) || sources.Exists(source => text.Contains(source, StringComparison.OrdinalIgnoreCase));
        });
        Assert.That(offenders, Is.Empty);
    }

    private static IEnumerable<string> MachineSources()
    {
        var home = Environment.GetFolderPath(Environment.SpecialFolder.UserProfile);
        string[] configs = [Path.Combine(home, ".nuget", "NuGet", "NuGet.Config"), Path.Combine(home, ".config", "NuGet", "NuGet.Config")];
        return configs.Where(File.Exists)
            .SelectMany(config => Address().Matches(File.ReadAllText(config)).Select(match => match.Groups["host"].Value))
            .Where(host => !host.EndsWith("nuget.org", StringComparison.OrdinalIgnoreCase))
            .Distinct();
    }

    private static bool IsBinary(string file) => File.ReadAllBytes(Path.Combine(Repository.Root, file)).AsSpan().Contains((byte)0);

    private static List<string> Find(string folder, string pattern, string expression)
    {
        var regex = new Regex(expression, RegexOptions.CultureInvariant);
        return [.. Repository.Files(folder, pattern).SelectMany(file =>
            Repository.ReadLines(file).Select((line, index) => (line, index)).Where(item => regex.IsMatch(item.line)).Select(item => $"{file}:{item.index + 1} {item.line.Trim()}"))];
    }

    [GeneratedRegex(@"https?://(?<host>[^/""':\s]+)")]
    private static partial Regex Address();

    [GeneratedRegex(@"(?<![\w/.>])/(?:work|root|tmp/qb)/")]
    private static partial Regex MachinePath();
}
