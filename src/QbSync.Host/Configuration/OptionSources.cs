namespace QbSync.Host.Configuration;

/// <summary>Everything that options are read from.</summary>
/// <param name="Flags">By name without dashes; a bare flag has no value.</param>
/// <param name="File">The configuration file, if there is one.</param>
internal sealed record OptionSources(
    IReadOnlyDictionary<string, IReadOnlyList<string>> Flags, IReadOnlyDictionary<string, string> Environment, ConfigFile? File = null);
