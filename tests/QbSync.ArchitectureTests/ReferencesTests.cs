using System.Xml.Linq;

namespace QbSync.ArchitectureTests;

public sealed class ReferencesTests
{
    private static readonly string[] LibraryPackages =
    [
        "Google.Protobuf", "Grpc.Core.Api", "Grpc.Net.Client", "Microsoft.Extensions.DependencyInjection.Abstractions",
        "Microsoft.Extensions.Logging.Abstractions", "Microsoft.Extensions.Options", "prometheus-net",
    ];

    private static readonly Dictionary<string, string[]> MorePackages = new()
    {
        [Packages.Transport] = ["Grpc.AspNetCore.Server", "Grpc.Tools"],
        [Packages.QBittorrent] = ["Polly.Core"],
        [Packages.Host] = ["System.CommandLine", "Spectre.Console"],
    };

    [TestCase(Packages.Abstractions)]
    [TestCase(Packages.Transport, Packages.Abstractions)]
    [TestCase(Packages.Storage, Packages.Abstractions)]
    [TestCase(Packages.QBittorrent, Packages.Abstractions)]
    [TestCase(Packages.Engine, Packages.Abstractions)]
    [TestCase(Packages.Host, Packages.Abstractions, Packages.Transport, Packages.Storage, Packages.QBittorrent, Packages.Engine)]
    public void Package_References_ExactlyItsLayerBelow(string package, params string[] allowed)
    {
        var declared = Items(package, "ProjectReference").Select(Path.GetFileNameWithoutExtension);
        var used = Packages.Load(package).GetReferencedAssemblies().Select(name => name.Name!).Where(name => name.StartsWith("QbSync.", StringComparison.Ordinal));
        Assert.Multiple(() =>
        {
            Assert.That(declared, Is.EquivalentTo(allowed));
            Assert.That(used, Is.SubsetOf(allowed));
        });
    }

    [Test]
    public void Package_Dependencies_OnlyThoseAgreed([ValueSource(typeof(Packages), nameof(Packages.All))] string package)
    {
        var allowed = package == Packages.Abstractions ? [] : LibraryPackages.Concat(MorePackages.GetValueOrDefault(package, []));
        Assert.That(Items(package, "PackageReference"), Is.SubsetOf(allowed));
    }

    [Test]
    public void Project_Versions_AreCentral() => Assert.That(
        Repository.Files("", "*.csproj").Where(file => XDocument.Parse(Repository.Read(file)).Descendants("PackageReference").Any(item => item.Attribute("Version") is not null)),
        Is.Empty);

    /// <summary>
    /// The host is no package: what runs whole nodes, tests and the throughput program, may see how it composes them. The parts of an engine that
    /// judge what a client shows are held to real clients, too.
    /// </summary>
    [Test]
    public void Package_Internals_OnlySeenByTestsAndTheKit([ValueSource(typeof(Packages), nameof(Packages.All))] string package) => Assert.That(
        Packages.Load(package).GetCustomAttributes(typeof(System.Runtime.CompilerServices.InternalsVisibleToAttribute), false)
            .Cast<System.Runtime.CompilerServices.InternalsVisibleToAttribute>().Select(attribute => attribute.AssemblyName)
            .Where(name => name != "QbSync.Testing" && !(package switch
            {
                Packages.Host => name.EndsWith("Tests", StringComparison.Ordinal) || name == "QbSync.Throughput",
                Packages.Engine => name is "QbSync.Engine.Tests" or "QbSync.Benchmarks" or "QbSync.ClientTests",
                _ => name == $"{package}.Tests" || name == "QbSync.Benchmarks",
            })),
        Is.Empty);

    private static IEnumerable<string> Items(string package, string kind) =>
        XDocument.Parse(Repository.Read(Packages.ProjectFile(package))).Descendants(kind).Select(item => item.Attribute("Include")!.Value.Replace('\\', '/'));
}
