using QbSync.Ports;

namespace QbSync.Engine.Source.Tracking;

/// <summary>Which local folder a client's folder is, and where it belongs below the destination's root. Longest prefix by parts. Immutable.</summary>
internal sealed class PathMap
{
    private readonly List<Rule> _rules = [];

    public PathMap(SourceOptions options, ClientDescription client)
    {
        var defaultPath = ClientPath.Split(client.DefaultSavePath);
        foreach (var mapping in options.PathMap)
        {
            _rules.Add(new Rule(ClientPath.Split(mapping.Client), mapping.Local, []));
        }

        // The rule that holds the default save path is the root of what the destination keeps; others stand beside it, under their own name.
        var root = client.DefaultSavePath.Length == 0 ? null : Longest(defaultPath);
        for (var i = 0; i < _rules.Count; i++)
        {
            var rule = _rules[i];
            _rules[i] = ReferenceEquals(rule, root) || rule.Client.Length == 0 ? rule : rule with { Prefix = [rule.Client[^1]] };
        }

        if (root is null && client.DefaultSavePath.Length > 0)
        {
            _rules.Add(new Rule(defaultPath, options.Data, []));
            AddTempPath(options, client, defaultPath);
        }

        var data = ClientPath.Split(options.Data);
        if (!_rules.Exists(rule => rule.Client.AsSpan().SequenceEqual(data)))
        {
            _rules.Add(new Rule(data, options.Data, []));
        }
    }

    /// <summary>The local folders that any of the client's are.</summary>
    public IReadOnlyList<string> LocalFolders =>
        [.. _rules.Select(static rule => Path.TrimEndingDirectorySeparator(rule.Local)).Distinct(StringComparer.Ordinal)];

    /// <summary>That of <see cref="LocalFolders"/> which holds a client's folder, or null when no rule fits.</summary>
    public string? FindRoot(ReadOnlySpan<string> clientPath) =>
        Longest(clientPath) is { } rule ? Path.TrimEndingDirectorySeparator(rule.Local) : null;

    /// <summary>The local folder of a client's folder, or null when no rule fits.</summary>
    public string? ToLocal(ReadOnlySpan<string> clientPath) =>
        Longest(clientPath) is { } rule ? Path.Combine([rule.Local, .. clientPath[rule.Client.Length..]]) : null;

    /// <summary>The folder below the destination's root of a client's folder, in parts, or null when no rule fits.</summary>
    public string[]? ToSubPath(ReadOnlySpan<string> clientPath) =>
        Longest(clientPath) is { IsForReading: false } rule ? [.. rule.Prefix, .. clientPath[rule.Client.Length..]] : null;

    /// <summary>The temporary folder lies relative to the default save path as it does for the client; it is read from, never mirrored.</summary>
    private void AddTempPath(SourceOptions options, ClientDescription client, string[] defaultPath)
    {
        if (client.TempPath is not { Length: > 0 } temp || Longest(ClientPath.Split(temp)) is not null)
        {
            return;
        }

        var relative = Path.GetRelativePath("/" + string.Join('/', defaultPath), "/" + string.Join('/', ClientPath.Split(temp)));
        _rules.Add(new Rule(ClientPath.Split(temp), Path.GetFullPath(Path.Combine(options.Data, relative)), []) { IsForReading = true });
    }

    private Rule? Longest(ReadOnlySpan<string> clientPath)
    {
        Rule? longest = null;
        foreach (var rule in _rules)
        {
            if (ClientPath.StartsWith(clientPath, rule.Client) && rule.Client.Length >= (longest?.Client.Length ?? 0))
            {
                longest = rule;
            }
        }

        return longest;
    }

    private sealed record Rule(string[] Client, string Local, string[] Prefix)
    {
        public bool IsForReading { get; init; }
    }
}
