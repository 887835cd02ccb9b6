using System.Globalization;
using System.Text.Json;

namespace QbSync.Host.Notifications;

/// <summary>The document that generic receivers and hooks get. Pure.</summary>
internal static class NotificationJson
{
    /// <summary>Serves people's tools, so no document is ever larger than this by a name or a reason.</summary>
    private const int LongestText = 4096;

    public static byte[] Make(Notification told) => Write(json =>
    {
        json.WriteString("id", told.Id);
        json.WriteString("event", told.EventName);
        json.WriteString("at", told.Event.At.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture));
        json.WriteString("version", told.Version);
        json.WriteString("mode", told.Mode);
        json.WriteString("name", told.Node);
        if (told.Event.Torrent is { } torrent)
        {
            json.WriteStartObject("torrent");
            json.WriteString("hash", torrent.Id.ToString());
            json.WriteString("name", Cut(torrent.Name));
            json.WriteNumber("bytes", torrent.Bytes);
            json.WriteString("category", torrent.Category);
            json.WriteStartArray("tags");
            foreach (var tag in torrent.Tags)
            {
                json.WriteStringValue(tag);
            }

            json.WriteEndArray();
            json.WriteString("path", Cut(torrent.Path));
            json.WriteEndObject();
        }

        json.WriteString("reason", Cut(told.Event.Reason));
        json.WriteString("text", Cut(told.Text));
    });

    /// <summary>A document with the properties that are written.</summary>
    public static byte[] Write(Action<Utf8JsonWriter> properties)
    {
        using var stream = new MemoryStream(512);
        using (var json = new Utf8JsonWriter(stream))
        {
            json.WriteStartObject();
            properties(json);
            json.WriteEndObject();
        }

        return stream.ToArray();
    }

    private static string Cut(string text) => NotificationText.Cut(text, LongestText);
}
