using QbSync.Host.Configuration;

namespace QbSync.Host.Doctor;

/// <summary>Whether the role could start by this configuration, and whether anything in it contradicts itself. Without it there is nothing to look at.</summary>
internal static class ConfigurationCheck
{
    public const string Id = "config.valid";

    public static (Finding Finding, RoleSettings? Settings) Run(SettingsSource source)
    {
        var errors = new OptionErrors();
        var settings = source.Read(errors);
        return (Judge(errors.All, settings is null ? [] : source.FindContradictions(), settings?.Values.All.Count(static value => value.Origin != OptionValue.DefaultOrigin) ?? 0), settings);
    }

    public static Finding Judge(
        IReadOnlyList<string> errors, IReadOnlyList<(OptionDefinition Option, string Kept, string PassedOver)> contradictions, int given)
    {
        if (errors.Count > 0)
        {
            return Finding.Fail(string.Join("; ", errors), "See: docs/configuration.md.");
        }

        return contradictions.Count == 0
            ? Finding.Ok($"{given} options are set, all of them understood")
            : Finding.Warn(
                $"set twice with different values: {string.Join(", ", contradictions.Select(static one => $"{one.Option.Name} (by {one.Kept}, which counts, and by {one.PassedOver})"))}",
                "Leave one of them out.");
    }
}
