using QbSync.Host.Configuration;

namespace QbSync.Host.Commands.Pairing;

/// <summary>Whose identity and peers a command is about, where nobody said so: the role that the options or the environment speak of.</summary>
internal static class TrustRole
{
    private static readonly Roles[] Each = [Roles.Source, Roles.Destination];

    /// <summary>The role; null when both or neither come into question.</summary>
    public static Roles? Find(IReadOnlyDictionary<string, IReadOnlyList<string>> flags, IReadOnlyDictionary<string, string> environment)
    {
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
        return spoken switch
        {
            [var only] => only,
            _ when flags.ContainsKey("state-dir") => Roles.Destination,
            [] when HasIdentity(flags, environment) => Roles.Source,
            _ => null,
        };
    }

    private static string GetPrefix(Roles role) => $"QBSYNC_{role.ToString().ToUpperInvariant()}_";

    /// <summary>A source's state has one place by default, so that its being there is an answer; a destination's has none.</summary>
    private static bool HasIdentity(IReadOnlyDictionary<string, IReadOnlyList<string>> flags, IReadOnlyDictionary<string, string> environment) =>
        TrustSettings.Read(Roles.Source, flags, environment, out _) is { } source && File.Exists(source.Security.IdentityFile);
}
