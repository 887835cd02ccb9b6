namespace QbSync.Host.Notifications.Presets;

/// <summary>A message by the API of Apprise, whose address holds the key of its configuration.</summary>
internal static class Apprise
{
    private const int LongestBody = 4000;
    private const int LongestTitle = 120;

    public static WebhookRequest Make(Webhook webhook, Notification told) => new(webhook.Url, NotificationJson.Write(json =>
    {
        json.WriteString("title", NotificationText.Cut($"QbSync {told.Mode} {told.Node}", LongestTitle));
        json.WriteString("body", NotificationText.Cut(told.Text, LongestBody));
        json.WriteString("type", Urgencies.Of(told.Event.Kind) switch
        {
            Urgency.Information => "info",
            Urgency.Success => "success",
            Urgency.Warning => "warning",
            Urgency.Failure => "failure",
        });
        json.WriteString("format", "text");
    }));
}
