using QbSync.Torrents;

namespace QbSync.Host.Notifications.Presets;

/// <summary>
/// Has Sonarr, Radarr or Lidarr import a torrent that is final: its folder or file as the destination's client sees it, and the download that it was, which is
/// its hash. Always by link or copy: what seeds must stay.
/// </summary>
internal static class ImportScan
{
    private const int HashLength = 20;

    public static WebhookRequest Make(Webhook webhook, Notification told, string api, string command)
    {
        var torrent = told.Event.Torrent ?? throw new ArgumentException("Only what a torrent is about can be imported.", nameof(told));
        var url = new UriBuilder(webhook.Url) { Query = "" };
        url.Path = $"{url.Path.TrimEnd('/')}/api/{api}/command";
        var body = NotificationJson.Write(json =>
        {
            json.WriteString("name", command);
            json.WriteString("path", torrent.Path);
            json.WriteString("downloadClientId", DownloadId(torrent.Id));
            json.WriteString("importMode", "Copy");
        });
        return new WebhookRequest(url.Uri, body, [new("X-Api-Key", webhook.Key)]);
    }

    /// <summary>As clients hash it: 40 digits, also of a torrent that has a v2 hash only.</summary>
    private static string DownloadId(InfoHash id) => Convert.ToHexString(id.ToArray().AsSpan(0, HashLength));
}
