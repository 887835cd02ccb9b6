using QbSync.Engine.Status;
using QbSync.Host.Notifications;
using QbSync.Torrents;

namespace QbSync.Host.Tests.Notifications;

/// <summary>Events to tell of.</summary>
internal static class Told
{
    /// <summary>A right-to-left mark, a line of its own, markup, formatting, a mention and half a character.</summary>
    public const string HostileName = "\u202efilm\n\"<img onerror=x>\" **b** @everyone <@1> [a](http://x) \ud800";

    public static EngineEvent Event(EngineEventKind kind, string name = "film", string category = "tv/hd", string reason = "") => new()
    {
        Kind = kind,
        At = new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.Zero),
        Reason = reason,
        Torrent = !kind.ToString().StartsWith("Torrent", StringComparison.Ordinal) ? null : new EventTorrent
        {
            Id = InfoHash.Parse("0123456789abcdef0123456789abcdef01234567"),
            Name = name,
            Bytes = 1536 << 20,
            Category = category,
            Tags = ["a", "b"],
            Path = "/data/tv/" + name,
        },
    };

    public static Notification Of(EngineEventKind kind, string name = "film", string reason = "") =>
        new("00112233445566778899aabbccddeeff", Event(kind, name, reason: reason), "1.2.3", "destination", "nas");
}
