using System.Text.RegularExpressions;
using System.Xml.Linq;
using QbSync.Testing.Machine;
using QbSync.Testing.Specifications;
using QbSync.Testing.Torrents;

namespace QbSync.ProcessTests.Packaging;

/// <summary>Programs that know QbSync by its packages alone: the samples, outside the repository, restored from the packed feed.</summary>
[HostCase(49)]
[Category("Long")]
internal sealed partial class PackagedAppTests
{
    private readonly TempDirectory _folder = new();

    [OneTimeSetUp]
    public async Task PackAsync()
    {
        await PackagesFeed.PackAsync(_folder["feed"]);

        // Where other packages come from is what the machine says. Ours go into a folder of this test: a version that was had before is another one.
        await File.WriteAllTextAsync(_folder["nuget.config"], $"""
            <configuration>
              <packageSources>
                <add key="packed" value="{_folder["feed"]}" />
              </packageSources>
            </configuration>
            """);
        await File.WriteAllTextAsync(_folder["Directory.Build.props"], $"""
            <Project>
              <PropertyGroup>
                <TargetFramework>net10.0</TargetFramework>
                <ImplicitUsings>enable</ImplicitUsings>
                <Nullable>enable</Nullable>
                <InvariantGlobalization>true</InvariantGlobalization>
                <RestorePackagesPath>{_folder["packages"]}</RestorePackagesPath>
                <RestoreFallbackFolders>{FindPackages()}</RestoreFallbackFolders>
              </PropertyGroup>
            </Project>
            """);
    }

    [OneTimeTearDown]
    public void Clean() => _folder.Dispose();

    [Test]
    public async Task Samples_FromThePackages_BuildAndRun()
    {
        var torrent = new TorrentBuilder("packed.bin") { PieceLength = 16 << 10, Length = 300_001, Seed = 490 }.Build();
        torrent.WriteContent(_folder.CreateFolder("source", "data"));
        var file = torrent.WriteTorrent(_folder.CreateFolder("source", "torrents"));

        var storage = await BuildAsync("OnlyStorage");
        var copied = await Tool.SucceedAsync(_folder.Path, "dotnet", storage, file, _folder["source", "data"], _folder["copy"]);
        Assert.That(copied, Does.Contain("1 files have their names, 0 are not whole."));
        Assert.That(torrent.FindDifference(_folder["copy", "data"]), Is.Null);

        var ends = await BuildAsync("BothEnds");
        var synced = await Tool.SucceedAsync(_folder.Path, "dotnet", ends, _folder["source"], _folder["destination"], "--container");
        Assert.That(synced, Does.StartWith("Synced "));
        Assert.That(torrent.FindDifference(_folder["destination", "data"]), Is.Null);

        var api = await Tool.RunAsync(_folder.Path, "dotnet", await BuildAsync("OnlyWebApi"), "http://127.0.0.1:9/");
        Assert.That(api.Code, Is.EqualTo(1));
        Assert.That(api.Errors, Does.StartWith("Unreachable: "));
    }

    [Test]
    public async Task Tool_FromThePackages_IsInstalledAndRuns()
    {
        await Tool.SucceedAsync(_folder.Path, "dotnet", "tool", "install", "QbSync.Host", "--tool-path", _folder["tools"], "--version", PackagesFeed.Version);
        Assert.That(await Tool.SucceedAsync(_folder.Path, _folder["tools", "qbsync"], "destination", "--help"), Does.Contain("--health-addr"));
    }

    /// <summary>What is trimmed away is nothing that the packages look for at run time: not one warning is theirs.</summary>
    [Test]
    public async Task Sample_Trimmed_HasNoWarningOfOurs()
    {
        var project = Copy("BothEnds", "trimmed");
        var output = await Tool.SucceedAsync(
            project, "dotnet", "publish", "-c", "Release", "--use-current-runtime", "--self-contained", "-p:PublishTrimmed=true", "-p:TrimmerSingleWarn=false", "--nologo");
        Assert.That(output.Split('\n').Where(line => Warning().IsMatch(line) && line.Contains("QbSync", StringComparison.Ordinal)), Is.Empty);
    }

    [GeneratedRegex(@"warning IL\d+")]
    private static partial Regex Warning();

    private static string FindPackages() => Environment.GetEnvironmentVariable("NUGET_PACKAGES") is { Length: > 0 } named
        ? named
        : Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".nuget", "packages");

    private async Task<string> BuildAsync(string sample)
    {
        await Tool.SucceedAsync(Copy(sample, sample), "dotnet", "build", "-c", "Release", "--nologo", "-v", "quiet", "-o", _folder[sample, "out"]);
        return _folder[sample, "out", sample + ".dll"];
    }

    /// <summary>The sample's sources, and its project with packages for what it refers to.</summary>
    private string Copy(string sample, string name)
    {
        var from = Path.Combine(Tool.Repository, "samples", sample);
        var folder = _folder.CreateFolder(name);
        foreach (var file in Directory.GetFiles(from, "*.cs"))
        {
            File.Copy(file, Path.Combine(folder, Path.GetFileName(file)));
        }

        var versions = XDocument.Load(Path.Combine(Tool.Repository, "Directory.Packages.props")).Descendants("PackageVersion")
            .ToDictionary(item => item.Attribute("Include")!.Value, item => item.Attribute("Version")!.Value);
        var project = XDocument.Load(Path.Combine(from, sample + ".csproj"));
        foreach (var item in project.Descendants("PackageReference").ToList())
        {
            item.SetAttributeValue("Version", versions[item.Attribute("Include")!.Value]);
        }

        foreach (var item in project.Descendants("ProjectReference").ToList())
        {
            var package = Path.GetFileNameWithoutExtension(item.Attribute("Include")!.Value);
            item.ReplaceWith(new XElement("PackageReference", new XAttribute("Include", package), new XAttribute("Version", PackagesFeed.Version)));
        }

        project.Save(Path.Combine(folder, sample + ".csproj"));
        return folder;
    }
}
