using System.Xml.Linq;

namespace QbSync.ProcessTests.Packaging;

/// <summary>Packs the family into a folder.</summary>
internal static class PackagesFeed
{
    /// <summary>The one version of all packages.</summary>
    public static string Version { get; } =
        XDocument.Load(Path.Combine(Tool.Repository, "Directory.Build.props")).Descendants("VersionPrefix").Single().Value;

    /// <summary>What is built beside these tests is packed; nothing is built.</summary>
    public static Task PackAsync(string folder) => Tool.SucceedAsync(
        Tool.Repository,
        "dotnet",
        "msbuild", "src/packages.proj", "-t:Pack", "-nologo", "-v:quiet", "-warnaserror", "-p:NoBuild=true", $"-p:Configuration={Tool.Configuration}",
        $"-p:PackageOutputPath={folder}/");
}
