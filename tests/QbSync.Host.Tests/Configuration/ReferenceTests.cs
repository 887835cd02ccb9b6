using System.Text.Json;
using QbSync.Host.Commands;
using QbSync.Host.Configuration;
using QbSync.Testing.Specifications;

namespace QbSync.Host.Tests.Configuration;

/// <summary>Help, the page, the schema and the catalog say the same.</summary>
internal sealed class ReferenceTests
{
    [TestCase(ReferencePage.Path)]
    [TestCase(ReferenceSchema.Path)]
    [HostCase(1)]
    public void Page_InTheRepository_IsWhatTheCatalogMakes(string path) => Assert.That(
        File.ReadAllText(Path.Combine(FindRoot(), path)),
        Is.EqualTo(path == ReferencePage.Path ? ReferencePage.Make() : ReferenceSchema.Make()),
        "./qbsync reference docs makes it anew");

    [Test]
    [HostCase(1)]
    public void Help_OfARole_HasEachOptionWithItsVariableAndNothingElse([Values(Roles.Source, Roles.Destination)] Roles role)
    {
        var flags = RoleCommand.Create(role).Options.ToDictionary(static flag => flag.Name, static flag => flag.Description);
        var options = OptionCatalog.For(role).ToArray();
        string[] secrets = [.. options.Where(static option => option.IsSecret).Select(static option => $"--{option.Name}-file")];
        Assert.That(flags.Keys, Is.EquivalentTo(options.Select(static option => "--" + option.Name).Concat(secrets).Concat(["--config", "--print-config"])));
        Assert.That(options.Where(option => !flags["--" + option.Name]!.Contains(option.GetEnvironmentName(role), StringComparison.Ordinal)), Is.Empty);
    }

    [Test]
    [HostCase(1)]
    public void Schema_OfARole_HasEachOptionAndNothingElse([Values("source", "destination")] string role)
    {
        using var schema = JsonDocument.Parse(ReferenceSchema.Make());
        var options = OptionCatalog.For(Enum.Parse<Roles>(role, ignoreCase: true)).ToArray();
        Assert.That(
            schema.RootElement.GetProperty("properties").GetProperty(role).GetProperty("properties").EnumerateObject().Select(static one => one.Name),
            Is.EquivalentTo(options.SelectMany(static option => option.IsSecret ? new[] { option.Name, option.Name + "-file" } : [option.Name])));
    }

    [Test]
    public void Catalog_EachOption_IsASentenceAndIsThereOnce()
    {
        Assert.That(OptionCatalog.All.Select(static option => option.Name), Is.Unique);
        Assert.That(OptionCatalog.All.Where(static option => !option.Help.EndsWith('.')).Select(static option => option.Name), Is.Empty);
        Assert.That(
            OptionCatalog.All.Where(static option => option is { IsSecret: true, IsReloadable: true }).Select(static option => option.Name),
            Is.EqualTo(new[] { "qb-password", "qb-api-key", "qb-basic-auth", "webhook-url", "webhook-secret" }),
            "any other needs a restart");
    }

    private static string FindRoot()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder.FullName, "QbSync.sln")))
        {
            folder = folder.Parent ?? throw new DirectoryNotFoundException("The repository's folder was not found above the tests.");
        }

        return folder.FullName;
    }
}
