using System.Globalization;
using QbSync.Engine;
using QbSync.Host.Endpoints;
using QbSync.Host.Notifications;
using QbSync.Transport;

namespace QbSync.Host.Configuration;

/// <summary>What both roles are told, checked together.</summary>
internal sealed record RoleSettings
{
    public required Roles Role { get; init; }

    public required OptionValues Values { get; init; }

    public required string Data { get; init; }

    public required string StateDirectory { get; init; }

    public required ClientKind Client { get; init; }

    public required HostPort? HealthAddress { get; init; }

    public required string LogLevel { get; init; }

    /// <summary>Options whose secret came from a file that others may read, with that file.</summary>
    public required IReadOnlyList<(string Option, string File)> OpenSecretFiles { get; init; }

    /// <summary>Every option whose secret came from a file, with that file.</summary>
    public required IReadOnlyDictionary<string, string> SecretFiles { get; init; }

    /// <summary>Whom to trust and as whom to appear.</summary>
    public required SecurityOptions Security { get; init; }

    /// <summary>Source only: a destination has one root, which save-path maps.</summary>
    public required IReadOnlyList<KeyValuePair<string, string>> PathMap { get; init; }

    /// <summary>Source only: times of the week with a rate of their own.</summary>
    public required IReadOnlyList<RateWindow> BandwidthSchedule { get; init; }

    /// <summary>Source only: which torrents are synced.</summary>
    public required SyncFilterOptions Filter { get; init; }

    /// <summary>Source only: how and when torrents are handed over.</summary>
    public required HandoffOptions Handoff { get; init; }

    /// <summary>Who is told what happens.</summary>
    public required NotificationSettings Notifications { get; init; }

    /// <summary>The same, but that in a dry run nobody is.</summary>
    public NotificationSettings ActiveNotifications => IsDryRun ? NotificationSettings.None : Notifications;

    /// <summary>Every secret that it knows, for those who have to hide it.</summary>
    public IEnumerable<string> Secrets => [.. Values.Secrets, .. Notifications.Secrets];

    /// <summary>Who may read status and metrics over TCP.</summary>
    public AccessRules Access => new(Values.Secret("http-token").Reveal(), Values.Flag("http-open"), Values.List("allowed-hosts"));

    /// <summary>Whether nothing is written on either side.</summary>
    public bool IsDryRun => Values.Flag("dry-run");

    public string Mode => Role.ToString().ToLower(CultureInfo.InvariantCulture);

    /// <summary>Reads and checks everything; null with every error in <paramref name="errors"/> when anything is wrong.</summary>
    public static RoleSettings? Read(
        Roles role,
        IReadOnlyDictionary<string, IReadOnlyList<string>> flags,
        IReadOnlyDictionary<string, string> environment,
        out IReadOnlyList<string> errors)
    {
        var all = new OptionErrors();
        var settings = Read(role, new OptionSources(flags, environment), all);
        errors = all.All;
        return settings;
    }

    /// <summary>Reads and checks everything; null with every error in <paramref name="errors"/> when anything is wrong.</summary>
    public static RoleSettings? Read(Roles role, OptionSources sources, OptionErrors errors)
    {
        var reader = new OptionReader(role, sources, errors);
        var settings = Make(role, reader.Read(), sources.Environment, reader.OpenSecretFiles, reader.SecretFiles, errors);
        if (settings is not null)
        {
            TwoRolesCheck.Run(settings, sources, errors);
        }

        return errors.All.Count == 0 ? settings : null;
    }

    /// <summary>These settings with what <paramref name="newer"/> has of options that are taken while the role runs.</summary>
    public RoleSettings? TakeReloadable(RoleSettings newer, IReadOnlyDictionary<string, string> environment, OptionErrors errors) =>
        Make(Role, Values.TakeReloadable(newer.Values), environment, newer.OpenSecretFiles, newer.SecretFiles, errors);

    private static RoleSettings? Make(
        Roles role,
        OptionValues values,
        IReadOnlyDictionary<string, string> environment,
        IReadOnlyList<(string Option, string File)> openSecretFiles,
        IReadOnlyDictionary<string, string> secretFiles,
        OptionErrors errors)
    {
        var data = values.Text("data");
        var state = TrustSettings.FindStateDirectory(role, values, environment);
        var settings = new RoleSettings
        {
            Role = role,
            Values = values,
            Data = data,
            StateDirectory = state,
            Client = FindClient(role, values),
            HealthAddress = values.Address("health-addr"),
            LogLevel = values.Text("log-level"),
            OpenSecretFiles = openSecretFiles,
            SecretFiles = secretFiles,
            Security = TrustSettings.Read(values, state),
            PathMap = role == Roles.Source ? ReadPathMap(values, errors) : [],
            BandwidthSchedule = role == Roles.Source ? Configuration.BandwidthSchedule.Read(values, errors) : [],
            Filter = role == Roles.Source ? ReadFilter(values) : new SyncFilterOptions(),
            Handoff = role == Roles.Source ? ReadHandoff(values) : new HandoffOptions(),
            Notifications = NotificationSettings.Read(role, values, errors),
        };
        settings.Security.ReadOnly = settings.IsDryRun;
        new SettingsCheck(settings, errors).Run();
        return errors.All.Count == 0 ? settings : null;
    }

    private static SyncFilterOptions ReadFilter(OptionValues values) => new()
    {
        ExcludeCategories = values.List("exclude-category"),
        ExcludeTags = values.List("exclude-tag"),
        ExcludeTrackers = values.List("exclude-tracker"),
        IncludeCategories = values.List("include-category"),
        IncludeTags = values.List("include-tag"),
        IncludeTrackers = values.List("include-tracker"),
        MinSize = values.Bytes("min-torrent-size"),
        MaxSize = values.Bytes("max-torrent-size"),
        PrivateTorrents = values.Text("private-torrents") == "skip" ? PrivateTorrents.Skip : PrivateTorrents.Sync,
    };

    private static HandoffOptions ReadHandoff(OptionValues values) => new()
    {
        Mode = values.Choice<HandoffMode>("handoff"),
        Eviction = values.Choice<EvictionOrder>("eviction"),
        MinSeedingTime = values.Duration("min-seeding-time"),
        Overlap = values.Duration("overlap"),
        DeleteGrace = values.Duration("delete-grace"),
        VerifyAnnounce = values.Flag("verify-announce"),
        AnnounceTimeout = values.Duration("announce-timeout"),
        ExcludeCleanupTag = values.Text("exclude-cleanup-tag"),
        DrainTimeout = values.Duration("drain-timeout"),
    };

    private static ClientKind FindClient(Roles role, OptionValues values) => values.Text("client") switch
    {
        "folder" => ClientKind.Folder,
        "" when role == Roles.Destination && values.Url("qb-url") is null => ClientKind.None,
        _ => ClientKind.QBittorrent,
    };

    private static List<KeyValuePair<string, string>> ReadPathMap(OptionValues values, OptionErrors errors)
    {
        List<KeyValuePair<string, string>> map = [];
        foreach (var entry in values.List("path-map"))
        {
            var (client, local) = entry.IndexOf('=') is var at and > 0 ? (entry[..at], entry[(at + 1)..]) : ("", "");
            if (client.Length == 0 || !Path.IsPathRooted(local))
            {
                errors.Report("path-map", values.GetOrigin("path-map"), $"\"{entry}\" is not understood", "Give CLIENT=LOCAL with two absolute paths.");
            }
            else if (map.Exists(other => other.Key == client))
            {
                errors.Report("path-map", values.GetOrigin("path-map"), $"\"{client}\" is mapped twice", "Map each client path once.");
            }
            else
            {
                map.Add(new(client, local));
            }
        }

        return map;
    }
}

internal enum ClientKind
{
    None,
    QBittorrent,
    Folder,
}
