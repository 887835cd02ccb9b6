using QbSync.Host.Configuration;

namespace QbSync.Host.Commands.Pairing;

/// <summary>Whose identity and peers a command is about, where nobody said so: the role that the options, the environment or the configuration file speak of.</summary>
internal static class TrustRole
{
    private static readonly Roles[] Each = [Roles.Source, Roles.Destination];

    /// <summary>The role; null when both or neither come into question.</summary>
    public static Roles? Find(OptionSources sources)
    {
        var (flags, environment, file) = sources;
        if (flags.ContainsKey("destination-addr"))
        {
            return Roles.Source;
        }

        if (flags.ContainsKey("data") || flags.ContainsKey("listen"))
        {
            return Roles.Destination;
        }

        // With the folder named the role makes no difference.
        var spoken = Each.Where(role => environment.Keys.Any(name => name.StartsWith(GetPrefix(role), StringComparison.Ordinal))).ToArray();
        spoken = spoken.Length == 0 && file is not null ? [.. file.Roles] : spoken;
        return spoken switch
        {
            [var only] => only,
            _ when flags.ContainsKey("state-dir") => Roles.Destination,
            [] when HasIdentity(sources) => Roles.Source,
            _ => null,
        };
    }

    private static string GetPrefix(Roles role) => $"QBSYNC_{role.ToString().ToUpperInvariant()}_";

    /// <summary>A source's state has one place by default, so that its being there is an answer; a destination's has none.</summary>
    private static bool HasIdentity(OptionSources sources) =>
        TrustSettings.Read(Roles.Source, sources, new OptionErrors()) is { } source && File.Exists(source.Security.IdentityFile);
}
