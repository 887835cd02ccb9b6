using System.Text.RegularExpressions;

namespace QbSync.ArchitectureTests;

public sealed partial class DisciplineTests
{
    private static readonly string[] Thrown =
    [
        "TorrentFormatException", "TorrentClientException", "PeerException", "StorageException", "TrustException",
        "ArgumentException", "ArgumentNullException", "ArgumentOutOfRangeException", "FormatException", "InvalidOperationException", "NotSupportedException",
        "ObjectDisposedException", "OperationCanceledException", "PlatformNotSupportedException", "UnreachableException",
    ];

    // What is caught again inside the package, where the framework asks for that very type.
    private static readonly Dictionary<string, string[]> ThrownWithin = new()
    {
        [Packages.QBittorrent] = ["JsonException", "InvalidDataException", "HttpRequestException"],
        [Packages.Transport] = ["RpcException", "OptionsValidationException", "IOException", "InvalidDataException", "AuthenticationException"],
        [Packages.Storage] = ["IOException", "InvalidDataException", "JsonException"],
        [Packages.Host] = ["CommandFailure", "DrainGateException", "IOException"],
    };

    [Test]
    public void Thrown_Types_AreDomainErrorsOrArgumentChecks([ValueSource(typeof(Packages), nameof(Packages.All))] string package) => Assert.That(
        Repository.Files($"src/{package}", "*.cs").SelectMany(file => ThrowNew().Matches(Repository.Read(file)).Select(match => (file, Type: match.Groups["type"].Value)))
            .Where(item => !Thrown.Contains(item.Type) && !ThrownWithin.GetValueOrDefault(package, []).Contains(item.Type)),
        Is.Empty);

    [Test]
    public void Lock_Bodies_DoNoLogNoCallbackAndNoFile() => Assert.That(
        Repository.Files("src", "*.cs").SelectMany(file =>
        {
            var text = Repository.Read(file);
            return LockStart().Matches(text)
                .Select(match => (Line: text.AsSpan(0, match.Index).Count('\n') + 1, Call: UnderLock().Match(Body(text, match.Index + match.Length))))
                .Where(item => item.Call.Success)
                .Select(item => $"{file}:{item.Line} {item.Call.Value}");
        }),
        Is.Empty);

    [Test]
    public void Lock_Objects_AreOfTypeLock() => Assert.That(
        Repository.Files("src", "*.cs").Where(file => LockOnOther().IsMatch(Repository.Read(file))),
        Is.Empty);

    private static string Body(string text, int from)
    {
        var start = text.IndexOf('{', from);
        var depth = 0;
        for (var i = start; i < text.Length; i++)
        {
            depth += text[i] == '{' ? 1 : text[i] == '}' ? -1 : 0;
            if (depth == 0)
            {
                return text[start..i];
            }
        }

        return "";
    }

    [GeneratedRegex(@"throw new (?<type>\w+)")]
    private static partial Regex ThrowNew();

    [GeneratedRegex(@"\block \(")]
    private static partial Regex LockStart();

    [GeneratedRegex(@"\bLog\.\w+\(|\bawait\b|\b(File|Directory|RandomAccess)\.\w+\(|\?\.Invoke\(")]
    private static partial Regex UnderLock();

    [GeneratedRegex(@"\block \((this|typeof|"")|private readonly object _\w*(gate|lock)")]
    private static partial Regex LockOnOther();
}
