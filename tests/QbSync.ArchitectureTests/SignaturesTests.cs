using System.Reflection;
using QbSync.Torrents;

namespace QbSync.ArchitectureTests;

public sealed class SignaturesTests
{
    private const BindingFlags Declared = BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly;

    [Test]
    public void Surface_Types_NeverThoseOfTheWireOrOfJson([ValueSource(typeof(Packages), nameof(Packages.Libraries))] string package) => Assert.That(
        Promised(package)
            .SelectMany(member => TypesOf(member).SelectMany(Parts).Where(type => IsForeign(type, package)).Select(type => $"{Name(member)}: {type}")),
        Is.Empty);

    [Test]
    public void Surface_Hashes_AreNoStrings([ValueSource(typeof(Packages), nameof(Packages.Libraries))] string package) => Assert.That(
        Parameters(package).Where(item => item.Parameter.ParameterType == typeof(string) && item.Parameter.Name!.Contains("hash", StringComparison.OrdinalIgnoreCase)).Select(Name),
        Is.Empty);

    [Test]
    public void Surface_PieceOfATorrent_IsAPieceRef([ValueSource(typeof(Packages), nameof(Packages.Libraries))] string package) => Assert.That(
        Promised(package).OfType<MethodBase>().Where(method => method.DeclaringType != typeof(Pieces.PieceRef)).Where(method =>
        {
            var types = method.GetParameters().Select(parameter => parameter.ParameterType).ToArray();
            return types.Zip(types.Skip(1)).Contains((typeof(InfoHash), typeof(int)));
        }).Select(Name),
        Is.Empty);

    [Test]
    public void Surface_CancellationToken_IsLast([ValueSource(typeof(Packages), nameof(Packages.Libraries))] string package) => Assert.That(
        Parameters(package).Where(item => item.Parameter.ParameterType == typeof(CancellationToken)
            && item.Method.GetParameters().Skip(item.Parameter.Position).Any(static after => after.ParameterType != typeof(CancellationToken))).Select(Name),
        Is.Empty);

    [Test]
    public void Surface_AwaitedMethods_EndInAsync([ValueSource(typeof(Packages), nameof(Packages.Libraries))] string package) => Assert.That(
        Promised(package).OfType<MethodInfo>()
            .Where(method => !method.IsSpecialName && IsAwaited(method.ReturnType) && !method.Name.EndsWith("Async", StringComparison.Ordinal))
            .Select(Name),
        Is.Empty);

    [Test]
    public void Surface_Classes_AreSealedStaticOrAbstract([ValueSource(typeof(Packages), nameof(Packages.Libraries))] string package) => Assert.That(
        Packages.Load(package).GetExportedTypes().Where(type => type is { IsClass: true, IsSealed: false, IsAbstract: false }),
        Is.Empty);

    [Test]
    public void Package_Types_MostlyInternal([Values(Packages.Transport, Packages.Storage, Packages.QBittorrent, Packages.Engine)] string package)
    {
        var types = Packages.Load(package).GetTypes().Where(type => !type.IsNested && type.Namespace?.StartsWith("QbSync", StringComparison.Ordinal) == true).ToList();
        Assert.That(types.Count(type => !type.IsPublic), Is.GreaterThanOrEqualTo(types.Count(type => type.IsPublic)));
    }

    private static bool IsForeign(Type type, string package)
    {
        var space = type.Namespace ?? "";
        return space.StartsWith("Google.Protobuf", StringComparison.Ordinal)
            || space.StartsWith("System.Text.Json", StringComparison.Ordinal)
            || (package != Packages.Transport && space.StartsWith("Grpc", StringComparison.Ordinal));
    }

    private static bool IsAwaited(Type type) =>
        typeof(Task).IsAssignableFrom(type) || type == typeof(ValueTask) || (type.IsGenericType && type.GetGenericTypeDefinition() == typeof(ValueTask<>));

    private static IEnumerable<(MethodBase Method, ParameterInfo Parameter)> Parameters(string package) =>
        Promised(package).OfType<MethodBase>().SelectMany(method => method.GetParameters().Select(parameter => (method, parameter)));

    /// <summary>Public and protected members of public types.</summary>
    private static IEnumerable<MemberInfo> Promised(string package) =>
        Packages.Load(package).GetExportedTypes().SelectMany(type => type.GetMembers(Declared)).Where(static member => member switch
        {
            MethodBase method => method.IsPublic || method.IsFamily || method.IsFamilyOrAssembly,
            FieldInfo field => field.IsPublic || field.IsFamily || field.IsFamilyOrAssembly,
            _ => false,
        });

    private static IEnumerable<Type> TypesOf(MemberInfo member) => member switch
    {
        MethodInfo method => method.GetParameters().Select(parameter => parameter.ParameterType).Append(method.ReturnType),
        MethodBase method => method.GetParameters().Select(parameter => parameter.ParameterType),
        FieldInfo field => [field.FieldType],
        _ => [],
    };

    private static IEnumerable<Type> Parts(Type type) => type.HasElementType
        ? Parts(type.GetElementType()!)
        : type.GetGenericArguments().SelectMany(Parts).Append(type);

    private static string Name((MethodBase Method, ParameterInfo Parameter) item) => $"{Name(item.Method)}({item.Parameter.Name})";

    private static string Name(MemberInfo member) => $"{member.DeclaringType}.{member.Name}";
}
