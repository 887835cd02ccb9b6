using QbSync.Host.Configuration;

namespace QbSync.Host.Notifications;

/// <summary>Keys of the entries of <c>webhooks</c> and <c>hooks</c>.</summary>
internal static class NotificationKeys
{
    private static readonly EntryKey Name = new("name", EntryKind.Text, "Its name in logs: a-z, 0-9 and -, 32 at most. Default: the sort and its place in the list.");

    private static readonly EntryKey Events =
        new("events", EntryKind.Texts, "Of what it is told: names, or torrent.* for several. Default: everything; of importers torrent.synced.") { Choices = EventNames.Patterns };

    private static readonly EntryKey Category =
        new("category", EntryKind.Texts, "Of torrents only those with one of these categories: names, or name/* for those below it. Default: all.");

    /// <summary>Of a receiver at an address.</summary>
    public static IReadOnlyList<EntryKey> Webhook { get; } =
    [
        Name,
        new("preset", EntryKind.Text, "What its requests look like. Default: generic.") { Choices = [.. Enum.GetNames<Preset>().Select(static name => name.ToLowerInvariant())] },
        new("url", EntryKind.Url, "Where it is. Required, here or by url-file.") { IsSecret = true },
        new("url-file", EntryKind.File, "File with url, where that is a secret."),
        Events,
        Category,
        new("secret-file", EntryKind.File, "For generic: file with the secret that requests are signed by, 16 characters or more. Default: webhook-secret."),
        new("key-file", EntryKind.File, "File with the key that the service asks for: an access token of ntfy, the API key of sonarr, radarr and lidarr."),
    ];

    /// <summary>Of a program.</summary>
    public static IReadOnlyList<EntryKey> Hook { get; } =
    [
        Name,
        new("program", EntryKind.File, "Full path of the program. Required."),
        new("args", EntryKind.Texts, "What it is given, each as it is: no shell reads them."),
        Events,
        Category,
    ];
}
