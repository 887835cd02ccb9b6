namespace QbSync.Host.Configuration;

/// <summary>What the value of a key is in JSON.</summary>
internal enum EntryKind
{
    /// <summary>A text.</summary>
    Text,

    /// <summary>An address with http or https.</summary>
    Url,

    /// <summary>A path of a file.</summary>
    File,

    /// <summary>An array of texts.</summary>
    Texts,
}

/// <summary>A key of an entry in an option that is an array of objects, said once: checks, schema and page are made from it.</summary>
internal sealed record EntryKey(string Name, EntryKind Kind, string Help)
{
    /// <summary>The only values, where there are such.</summary>
    public IReadOnlyList<string> Choices { get; init; } = [];

    /// <summary>Whether its value is shown to nobody.</summary>
    public bool IsSecret { get; init; }
}
