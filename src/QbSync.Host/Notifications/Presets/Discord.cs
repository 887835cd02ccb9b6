using System.Buffers;
using System.Text;

namespace QbSync.Host.Notifications.Presets;

/// <summary>A message in a channel of Discord. A name in it calls nobody, links to nothing and is set like any other text.</summary>
internal static class Discord
{
    /// <summary>Most characters that are taken.</summary>
    public const int LongestMessage = 2000;

    // No preview of an address that a name may have.
    private const int SuppressEmbeds = 4;

    /// <summary>What begins formatting, a mention, an emoji, a link or a list.</summary>
    private static readonly SearchValues<char> Special = SearchValues.Create("\\`*_~|>#-+<@:[]()!/&");

    public static WebhookRequest Make(Webhook webhook, Notification told) => new(webhook.Url, NotificationJson.Write(json =>
    {
        json.WriteString("content", Escape($"{told.Node} ({told.Mode}): {told.Text}"));
        json.WriteStartObject("allowed_mentions");
        json.WriteStartArray("parse");
        json.WriteEndArray();
        json.WriteEndObject();
        json.WriteNumber("flags", SuppressEmbeds);
    }));

    /// <summary>Cut where it is too long with its signs of escape, never between such a sign and what it is for.</summary>
    private static string Escape(string text)
    {
        var escaped = new StringBuilder(text.Length + 32);
        foreach (var rune in text.EnumerateRunes())
        {
            var isSpecial = rune.IsAscii && Special.Contains((char)rune.Value);
            if (escaped.Length + (isSpecial ? 1 : 0) + rune.Utf16SequenceLength > LongestMessage - 1)
            {
                return escaped.Append('…').ToString();
            }

            escaped.Append(isSpecial ? "\\" : "").Append(rune.ToString());
        }

        return escaped.ToString();
    }
}
