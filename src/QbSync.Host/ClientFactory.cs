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
    /// <param name="records">Where the client keeps what must survive a restart of ours.</param>
    public static ITorrentClient? Create(
        RoleSettings settings, IDurableRecords? records, IMetricFactory metrics, CollectorRegistry registry, ILoggerFactory loggers, TimeProvider time, Random random) =>
        settings.Client switch
        {
            ClientKind.None => null,
            ClientKind.Folder => new FolderTorrentClient(
                new FolderClientOptions
                {
                    TorrentsDirectory = settings.Values.TextOrNull("client-dir") ?? Path.Combine(settings.Data, "torrents"),
                    DataDirectory = settings.Data,
                    ReadOnly = settings.IsDryRun,
                },
                loggers,
                time),
            ClientKind.QBittorrent => new QBittorrentTorrentClient(
                ReadOptions(settings), metrics, registry, settings.Mode, loggers, time, random, records),
        };

    /// <summary>The client as the engine gets it: in a dry run only its reads.</summary>
    public static ITorrentClient Guard(RoleSettings settings, ITorrentClient client) => settings.IsDryRun ? new DryRunTorrentClient(client) : client;

    public static QBittorrentOptions ReadOptions(RoleSettings settings) => new()
    {
        ReadOnly = settings.IsDryRun,
        Url = settings.Values.Url("qb-url"),
        Username = settings.Values.TextOrNull("qb-username"),
        Password = Reveal(settings, "qb-password"),
        ApiKey = Reveal(settings, "qb-api-key"),
        BasicAuth = Reveal(settings, "qb-basic-auth"),
        Reread = settings.SecretFiles.Keys.Any(static name => name.StartsWith("qb-", StringComparison.Ordinal)) ? () => Reread(settings) : null,
        CaFile = settings.Values.TextOrNull("qb-ca-file"),
        TlsFingerprint = settings.Values.TextOrNull("qb-tls-fingerprint"),
        Timeout = settings.Values.Duration("qb-timeout"),
        TorrentsDirectory = settings.Role == Roles.Source ? settings.Values.TextOrNull("qb-torrents-dir") : null,
    };

    private static QBittorrentCredentials Reread(RoleSettings settings) => new()
    {
        Username = settings.Values.TextOrNull("qb-username"),
        Password = Reread(settings, "qb-password"),
        ApiKey = Reread(settings, "qb-api-key"),
        BasicAuth = Reread(settings, "qb-basic-auth"),
    };

    private static string? Reread(RoleSettings settings, string name) =>
        settings.SecretFiles.TryGetValue(name, out var file) ? Secret.ReadFile(file) : Reveal(settings, name);

    private static string? Reveal(RoleSettings settings, string name) =>
        settings.Values.Secret(name) is { IsEmpty: false } secret ? secret.Reveal() : null;
}
