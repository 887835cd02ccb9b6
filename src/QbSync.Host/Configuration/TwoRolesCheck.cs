namespace QbSync.Host.Configuration;

/// <summary>
/// Two roles on one machine must not meet: where the configuration speaks of both, and the source's destination is this machine, their folders and addresses
/// have to be others.
/// </summary>
internal static class TwoRolesCheck
{
    private static readonly HashSet<string> Names = ["data", "state-dir", "health-addr", "listen", "destination-addr"];

    public static void Run(RoleSettings settings, OptionSources sources, OptionErrors errors)
    {
        var other = settings.Role == Roles.Source ? Roles.Destination : Roles.Source;
        var prefix = $"QBSYNC_{other.ToString().ToUpperInvariant()}_";
        if (sources.File?.Roles.Contains(other) != true && !sources.Environment.Keys.Any(key => key.StartsWith(prefix, StringComparison.Ordinal) && !OptionReader.IsServiceLink(key)))
        {
            return;
        }

        // What is wrong with the other role that one tells itself.
        var its = new OptionReader(other, sources with { Flags = new Dictionary<string, IReadOnlyList<string>>() }, new OptionErrors(), Names).Read();
        var (source, destination) = settings.Role == Roles.Source ? (settings.Values, its) : (its, settings.Values);
        if (source.Address("destination-addr") is not { IsLoopback: true } dialed || destination.Address("listen") is not { } listen || dialed.Port != listen.Port)
        {
            return;
        }

        Compare("data", settings.Data, its.Text("data"));
        Compare("state-dir", settings.StateDirectory, TrustSettings.FindStateDirectory(other, its, sources.Environment));
        if (settings.HealthAddress is { Port: not 0 } mine && its.Address("health-addr") is { } theirs && mine.Port == theirs.Port)
        {
            errors.Report("health-addr", settings.Values.GetOrigin("health-addr"), $"the {other.ToString().ToLowerInvariant()} on this machine has the same port", "Give them different ports.");
        }

        void Compare(string name, string here, string there)
        {
            if (here.Length > 0 && there.Length > 0 && (IsIn(here, there) || IsIn(there, here)))
            {
                errors.Report(
                    name,
                    settings.Values.GetOrigin(name),
                    $"{here} and {there} of the {other.ToString().ToLowerInvariant()} on this machine are the same, or one is in the other",
                    "Give each a folder of its own.");
            }
        }
    }

    private static bool IsIn(string inner, string outer) =>
        (Path.TrimEndingDirectorySeparator(Path.GetFullPath(inner)) + '/').StartsWith(Path.TrimEndingDirectorySeparator(Path.GetFullPath(outer)) + '/', StringComparison.Ordinal);
}
