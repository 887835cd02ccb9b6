using YamlDotNet.RepresentationModel;

namespace QbSync.Host.Tests.Deployment;

/// <summary>Files of <c>deploy/</c>, and YAML by its paths.</summary>
internal static class DeployFile
{
    public static string Repository { get; } = FindRepository();

    /// <summary>Every file below <c>deploy/</c>, relative to the repository.</summary>
    public static IReadOnlyList<string> All { get; } =
    [
        .. Directory.EnumerateFiles(Path.Combine(Repository, "deploy"), "*", SearchOption.AllDirectories)
            .Select(file => Path.GetRelativePath(Repository, file)).Order(StringComparer.Ordinal),
    ];

    public static string Read(string file) => File.ReadAllText(Path.Combine(Repository, file));

    public static IReadOnlyList<YamlNode> ReadYaml(string file)
    {
        var stream = new YamlStream();
        stream.Load(new StringReader(Read(file)));
        return [.. stream.Documents.Select(document => document.RootNode)];
    }

    /// <summary>The only document of a kind.</summary>
    public static YamlNode Kind(string file, string kind) => ReadYaml(file).Single(document => document.Text("kind") == kind);

    /// <summary>What is at a path of keys and positions; null where there is nothing.</summary>
    public static YamlNode? At(this YamlNode node, params ReadOnlySpan<string> path)
    {
        var found = node;
        foreach (var part in path)
        {
            found = found switch
            {
                YamlMappingNode map when map.Children.TryGetValue(new YamlScalarNode(part), out var child) => child,
                YamlSequenceNode list when int.TryParse(part, out var index) && index < list.Children.Count => list.Children[index],
                _ => null,
            };
            if (found is null)
            {
                return null;
            }
        }

        return found;
    }

    /// <summary>The text at a path; null where there is none.</summary>
    public static string? Text(this YamlNode node, params ReadOnlySpan<string> path) => (node.At(path) as YamlScalarNode)?.Value;

    /// <summary>The entries at a path, with their keys.</summary>
    public static IEnumerable<(string Key, YamlNode Value)> Entries(this YamlNode node, params ReadOnlySpan<string> path) =>
        node.At(path) is YamlMappingNode map ? map.Children.Select(child => (((YamlScalarNode)child.Key).Value!, child.Value)) : [];

    /// <summary>The items at a path.</summary>
    public static IEnumerable<YamlNode> Items(this YamlNode node, params ReadOnlySpan<string> path) => node.At(path) is YamlSequenceNode list ? list.Children : [];

    /// <summary>The texts of a list at a path.</summary>
    public static IReadOnlyList<string?> Texts(this YamlNode node, params ReadOnlySpan<string> path) => [.. node.Items(path).Select(item => (item as YamlScalarNode)?.Value)];

    private static string FindRepository()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "QbSync.sln")))
        {
            folder = folder.Parent;
        }

        return folder?.FullName ?? throw new InvalidOperationException("The tests do not run below the repository.");
    }
}
