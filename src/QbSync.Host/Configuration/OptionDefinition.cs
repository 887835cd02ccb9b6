namespace QbSync.Host.Configuration;

[Flags]
internal enum Roles
{
    Source = 1,
    Destination = 2,
    Both = Source | Destination,
}

internal enum OptionKind
{
    Text,
    Path,
    Url,
    Duration,
    Size,
    Rate,
    Address,
    Integer,
    Octal,
    Boolean,
    Choice,
    List,
    Json,
}

/// <summary>One option, said once: flags, environment names, help and validation are made from it.</summary>
internal sealed record OptionDefinition(string Name, Roles Roles, OptionKind Kind, string Default, string Help)
{
    /// <summary>Never shown; may also come from a file by <c>NAME-file</c>.</summary>
    public bool IsSecret { get; init; }

    public bool IsRequired { get; init; }

    /// <summary>A new value is taken while the role runs.</summary>
    public bool IsReloadable { get; init; }

    /// <summary>An empty value disables it, instead of being an error.</summary>
    public bool MayBeEmpty { get; init; }

    /// <summary>Unit of a plain number, written as a value of the same kind: <c>1s</c>, <c>1GiB</c>.</summary>
    public string PlainUnit { get; init; } = "";

    /// <summary>Lowest value, written as a value of the same kind; empty for none.</summary>
    public string Min { get; init; } = "";

    /// <summary>Highest value; empty for none.</summary>
    public string Max { get; init; } = "";

    public IReadOnlyList<string> Choices { get; init; } = [];

    /// <summary>Keys of each entry, of an option that is an array of objects.</summary>
    public IReadOnlyList<EntryKey> Keys { get; init; } = [];

    /// <summary>Whether what was given for it must not be shown as it is.</summary>
    public bool HidesText => IsSecret || Kind == OptionKind.Json;

    /// <summary>What help says of it.</summary>
    public string Describe(Roles role)
    {
        var choices = Choices.Count > 0 && !Help.Contains(Choices[0], StringComparison.Ordinal) ? $" One of: {string.Join(", ", Choices)}." : "";
        var rest = IsRequired ? " Required." : Default.Length > 0 ? $" Default: {Default}." : "";
        return $"{Help}{choices}{rest} [{GetEnvironmentName(role)}]";
    }

    public string GetEnvironmentName(Roles role) => $"QBSYNC_{role.ToString().ToUpperInvariant()}_{Name.ToUpperInvariant().Replace('-', '_')}";
}
