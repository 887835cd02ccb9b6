using System.IO.Compression;
using System.Reflection.Metadata;
using System.Security.Cryptography;
using System.Xml.Linq;
using QbSync.Testing.Machine;
using QbSync.Testing.Specifications;

namespace QbSync.ProcessTests.Packaging;

/// <summary>The packages as a publisher would push them: packed once, from what is built, and looked into.</summary>
[HostCase(49)]
internal sealed class PackagesTests
{
    private static readonly string[] Libraries = ["QbSync.Abstractions", "QbSync.Transport", "QbSync.Storage", "QbSync.QBittorrent", "QbSync.Engine"];
    private static readonly string[] All = [.. Libraries, "QbSync.Host"];
    private readonly TempDirectory _folder = new();

    private string Feed => _folder["feed"];

    [OneTimeSetUp]
    public Task PackAsync() => PackagesFeed.PackAsync(Feed);

    [OneTimeTearDown]
    public void Clean() => _folder.Dispose();

    [Test]
    public void Packages_AreSix_EachWithItsSymbols() => Assert.That(
        Directory.GetFiles(Feed).Select(Path.GetFileName),
        Is.EquivalentTo(All.SelectMany(package => new[] { $"{package}.{PackagesFeed.Version}.nupkg", $"{package}.{PackagesFeed.Version}.snupkg" })));

    [TestCaseSource(nameof(All))]
    public void Package_Metadata_IsComplete(string package)
    {
        using var archive = Open(package, "nupkg");
        var metadata = XDocument.Load(archive.GetEntry($"{package}.nuspec")!.Open()).Root!.Elements().Single();
        string? Read(string name) => metadata.Elements().SingleOrDefault(element => element.Name.LocalName == name)?.Value;
        using (Assert.EnterMultipleScope())
        {
            Assert.That((Read("id"), Read("version"), Read("license"), Read("icon"), Read("readme")), Is.EqualTo((package, PackagesFeed.Version, "MIT", "icon.png", "README.md")));
            Assert.That(Read("description"), Is.Not.Null.And.Length.GreaterThan(20).And.Not.EqualTo("Package Description"));
            Assert.That(Read("authors"), Is.EqualTo("QbSync contributors"));
            Assert.That(Text(archive, "README.md"), Does.StartWith($"# {package}\n"));
            Assert.That(archive.GetEntry("icon.png")!.Length, Is.InRange(100, 10_000));
            if (Directory.Exists(Path.Combine(Tool.Repository, ".git")))
            {
                var source = metadata.Elements().Single(element => element.Name.LocalName == "repository");
                Assert.That((string?)source.Attribute("type"), Is.EqualTo("git"));
                Assert.That((string?)source.Attribute("commit"), Does.Match("^[0-9a-f]{40}$"));
            }
        }
    }

    [TestCaseSource(nameof(Libraries))]
    public void Library_Content_IsTheAssemblyAndItsDocumentation(string package)
    {
        using var archive = Open(package, "nupkg");
        Assert.That(
            archive.Entries.Select(entry => entry.FullName).Where(name => name.StartsWith("lib/", StringComparison.Ordinal)),
            Is.EquivalentTo(new[] { $"lib/net10.0/{package}.dll", $"lib/net10.0/{package}.xml" }));
        Assert.That(Text(archive, $"lib/net10.0/{package}.xml"), Does.Contain("<summary>"));
    }

    /// <summary>Whoever debugs into a package reads its sources, wherever they are; nothing tells of the machine that built it.</summary>
    [TestCaseSource(nameof(Libraries))]
    public void Symbols_OfALibrary_HoldItsSourcesAndNoPathOfAMachine(string package)
    {
        using var archive = Open(package, "snupkg");
        using var bytes = new MemoryStream();
        using (var entry = archive.GetEntry($"lib/net10.0/{package}.pdb")!.Open())
        {
            entry.CopyTo(bytes);
        }

        bytes.Position = 0;
        using var provider = MetadataReaderProvider.FromPortablePdbStream(bytes);
        var reader = provider.GetMetadataReader();
        var embedded = reader.CustomDebugInformation.Select(reader.GetCustomDebugInformation)
            .Where(information => reader.GetGuid(information.Kind) == new Guid("0E8A571B-6926-466E-B4AD-8AB04611F5FE"))
            .Select(information => (DocumentHandle)information.Parent).ToHashSet();
        var documents = reader.Documents.ToList();
        Assert.That(documents.Select(document => reader.GetString(reader.GetDocument(document).Name)), Is.All.StartsWith("/_"));
        Assert.That(documents.Where(document => !embedded.Contains(document)).Select(document => reader.GetString(reader.GetDocument(document).Name)), Is.Empty);
    }

    [Test]
    public void Tool_HasItsCommandAndWhatItNeeds()
    {
        using var archive = Open("QbSync.Host", "nupkg");
        Assert.That(Text(archive, "tools/net10.0/any/DotnetToolSettings.xml"), Does.Contain("Name=\"qbsync\"").And.Contain("EntryPoint=\"qbsync.dll\""));
        Assert.That(archive.Entries.Select(entry => entry.Name), Is.SupersetOf(Libraries.Select(library => library + ".dll")));
    }

    [Test]
    public async Task Packages_PackedAgain_AreTheSameBytes()
    {
        await PackagesFeed.PackAsync(_folder["again"]);
        Assert.That(Hashes(_folder["again"]), Is.EqualTo(Hashes(Feed)));
    }

    /// <summary>A dependency that was never looked at for trimming is one that its user should know of.</summary>
    [Test]
    public void Dependencies_WithoutTrimAnnotations_AreNamedInTheDocs()
    {
        var page = File.ReadAllText(Path.Combine(Tool.Repository, "docs", "library.md"));
        Assert.That(
            Directory.GetFiles(AppContext.BaseDirectory, "*.dll").Select(Path.GetFileNameWithoutExtension)
                .Where(name => name is "Prometheus.NetStandard" or "Google.Protobuf" or "Grpc.Net.Client" or "Grpc.AspNetCore.Server" or "Polly.Core" && !IsTrimmable(name!))
                .Where(name => !page.Contains($"`{name}`", StringComparison.Ordinal)),
            Is.Empty);
    }

    private static bool IsTrimmable(string name) => System.Reflection.Assembly.Load(name)
        .GetCustomAttributes(typeof(System.Reflection.AssemblyMetadataAttribute), false).Cast<System.Reflection.AssemblyMetadataAttribute>()
        .Any(attribute => attribute is { Key: "IsTrimmable", Value: "True" });

    private static Dictionary<string, string> Hashes(string feed) =>
        Directory.GetFiles(feed).ToDictionary(file => Path.GetFileName(file), file => Convert.ToHexString(SHA256.HashData(File.ReadAllBytes(file))));

    private static string Text(ZipArchive archive, string entry)
    {
        using var reader = new StreamReader(archive.GetEntry(entry)!.Open());
        return reader.ReadToEnd();
    }

    private ZipArchive Open(string package, string kind) => ZipFile.OpenRead(Path.Combine(Feed, $"{package}.{PackagesFeed.Version}.{kind}"));
}
