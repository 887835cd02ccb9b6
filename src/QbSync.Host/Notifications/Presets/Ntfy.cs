namespace QbSync.Host.Notifications.Presets;

/// <summary>A message by ntfy's JSON interface: the topic is the last part of the address, and the request goes to what is before it.</summary>
internal static class Ntfy
{
    // Longer ones become attachments.
    private const int LongestMessage = 1000;
    private const int LongestTitle = 120;

    /// <summary>The topic of an address; empty where it has none.</summary>
    public static string TopicOf(Uri url) => Uri.UnescapeDataString(url.AbsolutePath.TrimEnd('/').Split('/')[^1]);

    public static WebhookRequest Make(Webhook webhook, Notification told)
    {
        var path = webhook.Url.AbsolutePath.TrimEnd('/');
        var root = new UriBuilder(webhook.Url) { Path = path[..(path.LastIndexOf('/') + 1)], Query = "" }.Uri;
        var body = NotificationJson.Write(json =>
        {
            json.WriteString("topic", TopicOf(webhook.Url));
            json.WriteString("title", NotificationText.Cut($"QbSync {told.Mode} {told.Node}", LongestTitle));
            json.WriteString("message", NotificationText.Cut(told.Text, LongestMessage));
            json.WriteNumber("priority", Urgencies.Of(told.Event.Kind) switch
            {
                Urgency.Failure => 4,
                Urgency.Warning or Urgency.Success => 3,
                Urgency.Information => 2,
            });
            json.WriteStartArray("tags");
            json.WriteStringValue(told.EventName);
            json.WriteEndArray();
        });
        return new WebhookRequest(root, body, webhook.Key.Length == 0 ? [] : [new("Authorization", "Bearer " + webhook.Key)]);
    }
}
