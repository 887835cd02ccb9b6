namespace QbSync.Host.Configuration;

/// <summary>Parsed values of one role with where each came from. Made by <see cref="OptionReader"/>; immutable.</summary>
internal sealed class OptionValues(IReadOnlyDictionary<string, OptionValue> values)
{
    public IEnumerable<OptionValue> All => values.Values;

    /// <summary>Every secret that is given, for those who have to hide it.</summary>
    public IEnumerable<string> Secrets => All.Where(static value => value.Definition.Kind != OptionKind.Url).Select(static value => value.Parsed).OfType<Secret>()
        .Select(static secret => secret.Reveal()).Where(static secret => secret.Length > 0);

    public string Text(string name) => (string)values[name].Parsed!;

    public Secret Secret(string name) => (Secret)values[name].Parsed!;

    public string? TextOrNull(string name) => Text(name) is { Length: > 0 } text ? text : null;

    public TimeSpan Duration(string name) => (TimeSpan)values[name].Parsed!;

    public long Bytes(string name) => (long)values[name].Parsed!;

    public int Integer(string name) => (int)values[name].Parsed!;

    /// <summary>Null where none was given.</summary>
    public int? Octal(string name) => (int?)values[name].Parsed;

    public bool Flag(string name) => (bool)values[name].Parsed!;

    /// <summary>The choice of that name; dashes in it count for nothing. One that was not understood, which is told elsewhere, is the first.</summary>
    public T Choice<T>(string name)
        where T : struct, Enum => TextOrNull(name) is { } text ? Enum.Parse<T>(text.Replace("-", "", StringComparison.Ordinal), ignoreCase: true) : default;

    public HostPort? Address(string name) => (HostPort?)values[name].Parsed;

    public Uri? Url(string name) => (Uri?)values[name].Parsed;

    public JsonEntries Entries(string name) => (JsonEntries)values[name].Parsed!;

    public IReadOnlyList<string> List(string name) => (IReadOnlyList<string>)values[name].Parsed!;

    /// <summary>These values, with those of <paramref name="newer"/> for options that are taken while the role runs.</summary>
    public OptionValues TakeReloadable(OptionValues newer) =>
        new(newer.All.ToDictionary(static value => value.Definition.Name, value => value.Definition.IsReloadable ? value : values[value.Definition.Name]));

    /// <summary>Options that have another value in <paramref name="newer"/>; where it is from does not matter.</summary>
    public IEnumerable<OptionDefinition> FindChanges(OptionValues newer) =>
        newer.All.Where(value => !value.IsSame(values[value.Definition.Name])).Select(static value => value.Definition);

    /// <summary>Where a value came from, for messages.</summary>
    public string GetOrigin(string name) => values[name].Origin;

    public bool IsSet(string name) => values[name].Origin != OptionValue.DefaultOrigin;
}

/// <summary>A value and its origin: a flag, the name of a variable, a file, or the default.</summary>
/// <param name="Raw">As it was given; <c>***</c> for a secret.</param>
internal sealed record OptionValue(OptionDefinition Definition, string Raw, string Origin, object? Parsed)
{
    public const string DefaultOrigin = "default";
    public const string FlagOrigin = "flag";

    /// <summary>Whether both mean the same.</summary>
    public bool IsSame(OptionValue other) => (Parsed, other.Parsed) switch
    {
        (IReadOnlyList<string> mine, IReadOnlyList<string> its) => mine.SequenceEqual(its),
        (Secret mine, Secret its) => mine.Reveal() == its.Reveal(),
        var (mine, its) => Equals(mine, its),
    };
}
