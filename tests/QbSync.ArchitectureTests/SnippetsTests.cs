using System.Text.RegularExpressions;
using QbSync.Testing.Specifications;

namespace QbSync.ArchitectureTests;

/// <summary>Code in a README or in the docs is cut from a sample, which is compiled and run: whoever copies it gets what works.</summary>
internal sealed partial class SnippetsTests
{
    private static readonly string[] Pages =
        ["README.md", .. Repository.Files("docs", "*.md"), .. Repository.Files("src", "README.md")];

    [Test]
    [HostCase(51), ClientCase(61)]
    public void Snippets_Each_AreLinesOfASample()
    {
        var samples = Repository.Files("samples", "*.cs").Select(file => Unindent(Repository.Read(file))).ToList();
        Assert.That(
            Pages.SelectMany(page => Code().Matches(Repository.Read(page)).Select(match => (Page: page, Text: Unindent(match.Groups["text"].Value))))
                .Where(snippet => !samples.Any(sample => sample.Contains(snippet.Text, StringComparison.Ordinal))),
            Is.Empty);
    }

    /// <summary>A package of which people read code before they take it; what is served by another, or has no use alone, has none.</summary>
    [TestCase("QbSync.Abstractions")]
    [TestCase("QbSync.Storage")]
    [TestCase("QbSync.QBittorrent")]
    [TestCase("QbSync.Engine")]
    public void Readme_OfALibrary_ShowsCode(string package) => Assert.That(Code().IsMatch(Repository.Read($"src/{package}/README.md")), Is.True);

    /// <summary>What a page links to is there: other pages, and their headings.</summary>
    [Test]
    [HostCase(51)]
    public void Links_OfEachPage_LeadToWhatThereIs() => Assert.That(
        Pages.SelectMany(page => Link().Matches(Repository.Read(page)).Select(match => (Page: page, Target: match.Groups["target"].Value)))
            .Where(link => !link.Target.Contains("://", StringComparison.Ordinal) && !Exists(link.Page, link.Target)),
        Is.Empty);

    private static bool Exists(string page, string target)
    {
        var (path, heading) = target.Split('#') is [var file, var part] ? (file, part) : (target, "");
        var full = Path.GetFullPath(Path.Combine(Repository.Root, Path.GetDirectoryName(page)!, path));
        var found = path.Length == 0 ? Path.Combine(Repository.Root, page) : full;
        return (File.Exists(found) || Directory.Exists(found))
            && (heading.Length == 0 || Heading().Matches(File.ReadAllText(found)).Any(match => Anchor(match.Groups["text"].Value) == heading));
    }

    private static string Anchor(string heading) => NotOfAnchors().Replace(heading.Trim().ToLowerInvariant(), "").Replace(' ', '-');

    private static string Unindent(string text) => Margin().Replace(text, "");

    [GeneratedRegex("^```csharp\n(?<text>.*?)^```$", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex Code();

    [GeneratedRegex("^ +", RegexOptions.Multiline)]
    private static partial Regex Margin();

    [GeneratedRegex(@"\]\((?<target>[^)\s]+)\)")]
    private static partial Regex Link();

    [GeneratedRegex("^#+ (?<text>.*)$", RegexOptions.Multiline)]
    private static partial Regex Heading();

    [GeneratedRegex(@"[^\w\- ]")]
    private static partial Regex NotOfAnchors();
}
