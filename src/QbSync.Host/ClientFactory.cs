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
    public static ITorrentClient? Create(
        RoleSettings settings, IMetricFactory metrics, CollectorRegistry registry, ILoggerFactory loggers, TimeProvider time, Random random) => settings.Client switch
        {
            ClientKind.None => null,
            ClientKind.Folder => new FolderTorrentClient(
                new FolderClientOptions
                {
                    TorrentsDirectory = settings.Values.TextOrNull("client-dir") ?? Path.Combine(settings.Data, "torrents"),
                    DataDirectory = settings.Data,
                },
                loggers,
                time),
            ClientKind.QBittorrent => new QBittorrentTorrentClient(
                new QBittorrentOptions
                {
                    Url = settings.Values.Url("qb-url")!,
                    Username = settings.Values.TextOrNull("qb-username"),
                    Password = settings.Values.Secret("qb-password") is { IsEmpty: false } password ? password.Reveal() : null,
                    Timeout = settings.Values.Duration("qb-timeout"),
                },
                metrics,
                registry,
                settings.Mode,
                loggers,
                time,
                random),
        };
}
