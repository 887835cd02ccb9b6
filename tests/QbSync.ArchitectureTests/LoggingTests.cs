using System.Reflection;
using Microsoft.Extensions.Logging;

namespace QbSync.ArchitectureTests;

public sealed class LoggingTests
{
    private const BindingFlags Any = BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Static | BindingFlags.Instance | BindingFlags.DeclaredOnly;

    [Test]
    public void EventIds_AllPackages_Unique() => Assert.That(
        Packages.All.SelectMany(Messages).GroupBy(message => message.Id).Where(group => group.Count() > 1).Select(group => $"{group.Key}: {string.Join(", ", group.Select(message => Name(message.Method)))}"),
        Is.Empty);

    [Test]
    public void EventIds_OfPackage_InItsBlock([ValueSource(typeof(Packages), nameof(Packages.All))] string package)
    {
        var first = Packages.EventBlock(package);
        Assert.That(
            Messages(package).Where(message => first == 0 || message.Id < first || message.Id >= first + 1000).Select(message => $"{message.Id} {Name(message.Method)}"),
            Is.Empty);
    }

    [Test]
    public void EventNames_OfPackage_AreTheirMethods([ValueSource(typeof(Packages), nameof(Packages.All))] string package) => Assert.That(
        Messages(package).Where(message => message.Attribute.EventName is { } name && name != message.Method.Name).Select(message => Name(message.Method)),
        Is.Empty);

    [Test]
    public void Messages_OfPackage_AreSentencesInANestedLog([ValueSource(typeof(Packages), nameof(Packages.All))] string package) => Assert.That(
        Messages(package).Where(message => message.Method.DeclaringType is not { IsNested: true, Name: "Log" } || message.Attribute.Message is not [.., '.' or '}']).Select(message => Name(message.Method)),
        Is.Empty);

    [Test]
    public void Messages_Sources_StandInLogFiles() => Assert.That(
        Repository.Files("src", "*.cs").Where(file => !file.EndsWith(".Log.cs", StringComparison.Ordinal) && Repository.Read(file).Contains("[LoggerMessage", StringComparison.Ordinal)),
        Is.Empty);

    private static IEnumerable<(int Id, MethodInfo Method, LoggerMessageAttribute Attribute)> Messages(string package) =>
        from type in Packages.Load(package).GetTypes()
        from method in type.GetMethods(Any)
        let attribute = method.GetCustomAttribute<LoggerMessageAttribute>()
        where attribute is not null
        select (attribute.EventId, method, attribute);

    private static string Name(MethodInfo method) => $"{method.DeclaringType}.{method.Name}";
}
