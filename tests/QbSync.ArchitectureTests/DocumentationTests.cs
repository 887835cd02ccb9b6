using System.Reflection;
using System.Xml.Linq;

namespace QbSync.ArchitectureTests;

public sealed class DocumentationTests
{
    [Test]
    public void Enums_EachMember_HasASentence([ValueSource(typeof(Packages), nameof(Packages.Libraries))] string package)
    {
        var summaries = Documentation(package, "summary");
        Assert.That(
            Packages.Load(package).GetExportedTypes().Where(type => type.IsEnum)
                .SelectMany(type => Enum.GetNames(type).Select(member => $"F:{type.FullName!.Replace('+', '.')}.{member}"))
                .Where(member => !summaries.TryGetValue(member, out var text) || text.Length < 4 || !text.EndsWith('.')),
            Is.Empty);
    }

    [Test]
    public void Options_EachProperty_SaysItsDefaultAndUnit([ValueSource(typeof(Packages), nameof(Packages.Libraries))] string package)
    {
        var values = Documentation(package, "value");
        Assert.That(
            Options(package)
                .SelectMany(type => type.GetProperties(BindingFlags.Public | BindingFlags.Instance | BindingFlags.DeclaredOnly).Where(property => property.CanWrite))
                .Select(property => $"P:{property.DeclaringType!.FullName}.{property.Name}")
                .Where(property => !values.TryGetValue(property, out var text) || text.Length == 0),
            Is.Empty);
    }

    [Test]
    public void Options_Validate_CanNameAllErrorsAtOnce([ValueSource(typeof(Packages), nameof(Packages.Libraries))] string package) => Assert.That(
        Options(package).Where(type => !type.GetMethods().Any(method => method.Name == "Validate" && typeof(IEnumerable<string>).IsAssignableFrom(method.ReturnType))),
        Is.Empty);

    private static IEnumerable<Type> Options(string package) =>
        Packages.Load(package).GetExportedTypes().Where(type => type is { IsClass: true } && type.Name.EndsWith("Options", StringComparison.Ordinal));

    private static Dictionary<string, string> Documentation(string package, string element) =>
        XDocument.Load(Path.ChangeExtension(Packages.Load(package).Location, ".xml")).Descendants("member")
            .Where(member => member.Element(element) is not null)
            .ToDictionary(member => member.Attribute("name")!.Value, member => member.Element(element)!.Value.Trim());
}
