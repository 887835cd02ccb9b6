namespace QbSync.QBittorrent.Tests.Transcripts;

/// <summary>
/// What a real client of one version answered to each request of the plan, in order. Made by <c>tests/clients/record.sh</c>.
/// </summary>
internal sealed class Transcript
{
    private Transcript(string version, IReadOnlyList<Exchange> exchanges) => (Version, Exchanges) = (version, exchanges);

    /// <summary>Versions that are stored.</summary>
    public static IReadOnlyList<string> Versions { get; } =
        [.. Directory.GetDirectories(Folder).Select(static folder => Path.GetFileName(folder)).Order(StringComparer.Ordinal)];

    /// <summary>The client's version, as in 5.1.0.</summary>
    public string Version { get; }

    public IReadOnlyList<Exchange> Exchanges { get; }

    /// <summary>The exchange of that name.</summary>
    public Exchange this[string name] => Exchanges.FirstOrDefault(exchange => exchange.Name == name)
        ?? throw new ArgumentException($"No request of the plan is called '{name}'.", nameof(name));

    private static string Folder => Path.Combine(TestContext.CurrentContext.TestDirectory, "Transcripts");

    public static Transcript Load(string version) => Read(version, Path.Combine(Folder, version));

    /// <summary>Reads a folder of files named <c>NNN-name.http</c>.</summary>
    public static Transcript Read(string version, string folder) => new(
        version,
        [.. Directory.GetFiles(folder, "*.http").Order(StringComparer.Ordinal).Select(static file =>
            Exchange.Read(Path.GetFileNameWithoutExtension(file)[4..], File.ReadAllText(file)))]);

    /// <summary>Writes such a folder; what was in it is gone.</summary>
    public static void Write(string folder, IReadOnlyList<Exchange> exchanges)
    {
        if (Directory.Exists(folder))
        {
            Directory.Delete(folder, recursive: true);
        }

        Directory.CreateDirectory(folder);
        foreach (var (index, exchange) in exchanges.Index())
        {
            File.WriteAllText(Path.Combine(folder, $"{index + 1:000}-{exchange.Name}.http"), exchange.Write());
        }
    }
}
