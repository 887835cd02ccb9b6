namespace QbSync.Host.Configuration;

/// <summary>Where a role's settings come from, to read them once more: flags and environment stay as they were, files are read anew.</summary>
/// <param name="configFlag">The file that a flag names; null where none does.</param>
internal sealed class SettingsSource(
    Roles role, IReadOnlyDictionary<string, IReadOnlyList<string>> flags, IReadOnlyDictionary<string, string> environment, string? configFlag)
{
    public IReadOnlyDictionary<string, string> Environment => environment;

    public Roles Role => role;

    /// <summary>Options that several places set to different values.</summary>
    public IReadOnlyList<(OptionDefinition Option, string Kept, string PassedOver)> FindContradictions()
    {
        var unread = new OptionErrors();
        return [.. new OptionReader(role, new OptionSources(flags, environment, ConfigFile.Find(configFlag, environment, unread)), unread).FindContradictions()];
    }

    /// <summary>Reads and checks everything; null with every error when anything is wrong.</summary>
    public RoleSettings? Read(OptionErrors errors) =>
        RoleSettings.Read(role, new OptionSources(flags, environment, ConfigFile.Find(configFlag, environment, errors)), errors);
}
