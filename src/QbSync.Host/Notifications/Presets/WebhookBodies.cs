namespace QbSync.Host.Notifications.Presets;

/// <summary>What is sent to whom. Pure: the same notification makes the same bytes.</summary>
internal static class WebhookBodies
{
    public static WebhookRequest Make(Webhook webhook, Notification told) => webhook.Preset switch
    {
        Preset.Generic => new WebhookRequest(webhook.Url, NotificationJson.Make(told)),
        Preset.Ntfy => Ntfy.Make(webhook, told),
        Preset.Discord => Discord.Make(webhook, told),
        Preset.Apprise => Apprise.Make(webhook, told),
        Preset.Sonarr => ImportScan.Make(webhook, told, "v3", "DownloadedEpisodesScan"),
        Preset.Radarr => ImportScan.Make(webhook, told, "v3", "DownloadedMoviesScan"),
        Preset.Lidarr => ImportScan.Make(webhook, told, "v1", "DownloadedAlbumsScan"),
    };
}
