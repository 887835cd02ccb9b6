using Microsoft.Extensions.Logging;
using Prometheus;
using QbSync.Host.Configuration;
using QbSync.Ports;
using QbSync.QBittorrent;
using QbSync.Storage.FolderClient;

namespace QbSync.Host;

/// <summary>The torrent client that the settings ask for.</summary>
internal static class ClientFactory
{
    private static readonly TimeSpan LookTimeout = TimeSpan.FromSeconds(8);
    private static readonly string[] Credentials = ["qb-username", "qb-password", "qb-api-key", "qb-basic-auth"];

    /// <param name="current">The settings of the moment, for credentials that are read anew.</param>
    /// <param name="records">Where the client keeps what must survive a restart of ours.</param>
    public static ITorrentClient? Create(
        Func<RoleSettings> current, IDurableRecords? records, IMetricFactory metrics, CollectorRegistry registry, ILoggerFactory loggers, TimeProvider time, Random random)
    {
        var settings = current();
        switch (settings.Client)
        {
            case ClientKind.Folder:
                return CreateFolder(settings, settings.IsDryRun, loggers, time);
            case ClientKind.QBittorrent:
                return new QBittorrentTorrentClient(ReadOptions(current), metrics, registry, settings.Mode, loggers, time, random, records);
            default:
                return null;
        }
    }

    /// <summary>The client for who only looks and then ends: nothing is written, tried twice or waited for.</summary>
    public static ITorrentClient? CreateForLook(
        RoleSettings settings, IDurableRecords records, IMetricFactory metrics, CollectorRegistry registry, ILoggerFactory loggers, TimeProvider time, Random random)
    {
        var options = ReadOptions(settings);
        (options.ReadOnly, options.Attempts, options.Reread) = (true, 1, null);
        options.Timeout = options.Timeout < LookTimeout ? options.Timeout : LookTimeout;
        return settings.Client switch
        {
            ClientKind.None => null,
            ClientKind.Folder => CreateFolder(settings, isReadOnly: true, loggers, time),
            ClientKind.QBittorrent => new QBittorrentTorrentClient(options, metrics, registry, settings.Mode, loggers, time, random, records),
        };
    }

    /// <summary>The client as the engine gets it: in a dry run only its reads.</summary>
    public static ITorrentClient Guard(RoleSettings settings, ITorrentClient client) => settings.IsDryRun ? new DryRunTorrentClient(client) : client;

    /// <summary>What the client of a running role gets: by these settings, with credentials that are read anew by those that hold then.</summary>
    public static QBittorrentOptions ReadOptions(Func<RoleSettings> current)
    {
        var options = ReadOptions(current());
        options.Reread = () => ReadCredentials(current(), Reread);
        return options;
    }

    /// <summary>The same without the means to read anything anew, to be checked.</summary>
    public static QBittorrentOptions ReadOptions(RoleSettings settings) => new()
    {
        ReadOnly = settings.IsDryRun,
        Url = settings.Values.Url("qb-url"),
        Username = settings.Values.TextOrNull("qb-username"),
        Password = Reveal(settings, "qb-password"),
        ApiKey = Reveal(settings, "qb-api-key"),
        BasicAuth = Reveal(settings, "qb-basic-auth"),
        Reread = () => ReadCredentials(settings, Reread),
        CaFile = settings.Values.TextOrNull("qb-ca-file"),
        TlsFingerprint = settings.Values.TextOrNull("qb-tls-fingerprint"),
        Timeout = settings.Values.Duration("qb-timeout"),
        TorrentsDirectory = settings.Role == Roles.Source ? settings.Values.TextOrNull("qb-torrents-dir") : null,
    };

    /// <summary>Gives a client that runs the credentials of newer settings; where they are the same and were refused, they may be tried once more.</summary>
    public static void Renew(QBittorrentTorrentClient client, RoleSettings before, RoleSettings now)
    {
        if (before.Values.FindChanges(now.Values).Any(static option => Credentials.Contains(option.Name)))
        {
            client.UseCredentials(ReadCredentials(now, Reveal));
        }
        else
        {
            RetryLogin(client);
        }
    }

    /// <summary>Lets a client that is left alone since it refused us be asked now. No login that works is given up for that.</summary>
    public static void RetryLogin(QBittorrentTorrentClient client)
    {
        if (client.Availability.Gate == ClientGate.Isolated)
        {
            client.RetryLogin();
        }
    }

    private static FolderTorrentClient CreateFolder(RoleSettings settings, bool isReadOnly, ILoggerFactory loggers, TimeProvider time) => new(
        new FolderClientOptions
        {
            TorrentsDirectory = settings.Values.TextOrNull("client-dir") ?? Path.Combine(settings.Data, "torrents"),
            DataDirectory = settings.Data,
            ReadOnly = isReadOnly,
        },
        loggers,
        time);

    private static QBittorrentCredentials ReadCredentials(RoleSettings settings, Func<RoleSettings, string, string?> read) => new()
    {
        Username = settings.Values.TextOrNull("qb-username"),
        Password = read(settings, "qb-password"),
        ApiKey = read(settings, "qb-api-key"),
        BasicAuth = read(settings, "qb-basic-auth"),
    };

    private static string? Reread(RoleSettings settings, string name) =>
        settings.SecretFiles.TryGetValue(name, out var file) ? Secret.ReadFile(file) : Reveal(settings, name);

    private static string? Reveal(RoleSettings settings, string name) =>
        settings.Values.Secret(name) is { IsEmpty: false } secret ? secret.Reveal() : null;
}
