namespace QbSync.Host.Notifications;

/// <summary>A request that tells a receiver, whole but for what changes with each try.</summary>
/// <param name="Body">JSON.</param>
internal sealed record WebhookRequest(Uri Url, byte[] Body, IReadOnlyList<KeyValuePair<string, string>> Headers)
{
    public WebhookRequest(Uri url, byte[] body)
        : this(url, body, [])
    {
    }
}
