using System.Text;
using System.Text.Json;
using QbSync.QBittorrent.Json;
using QbSync.QBittorrent.Models;

namespace QbSync.QBittorrent.Tests.Json;

/// <summary>
/// Writes an answer as any server might: keys in any order, what is absent missing or null, lists missing, null or empty, fields that nobody reads in
/// between; and reads it as it may come, in pieces of any length.
/// </summary>
internal static class Scrambled
{
    public static MainDataRecord Read(MainDataRecord answer, Random random)
    {
        var bytes = Encoding.UTF8.GetBytes(Write(answer, random));
        return ReadInPieces(bytes, AnswerReader.MainData(), random);
    }

    /// <summary>As from a connection: whatever a piece ends within.</summary>
    public static T ReadInPieces<T>(byte[] bytes, StreamParser<T> parser, Random random)
    {
        using var own = parser;
        var (start, end) = (0, 0);
        while (true)
        {
            end = Math.Min(bytes.Length, end + random.Next(0, 40));
            var isLast = end == bytes.Length && random.Next(2) == 0;
            start += parser.Take(bytes.AsSpan(start..end), isLast);
            if (isLast)
            {
                return parser.Finish();
            }
        }
    }

    private static string Write(MainDataRecord answer, Random random)
    {
        List<(string, string?)> fields =
        [
            ("rid", Text(answer.Rid)), ("full_update", Text(answer.FullUpdate)),
            ("torrents", answer.Torrents is { Count: > 0 } torrents
                ? Object([.. torrents.Select(entry => (entry.Key, (string?)Write(entry.Value, random)))], random)
                : Nothing("{}", random)),
            ("torrents_removed", answer.TorrentsRemoved is { Count: > 0 } removed ? JsonSerializer.Serialize(removed) : Nothing("[]", random)),
            ("categories", Nothing("{}", random)),
            ("trackers", """{"https://t.test/a":["x",{"deep":[1,null]}]}"""),
        ];
        return Object(fields, random);
    }

    private static string Write(TorrentRecord torrent, Random random) => Object(
        [
            ("name", Text(torrent.Name)), ("state", Text(torrent.State)), ("save_path", Text(torrent.SavePath)), ("tags", Text(torrent.Tags)),
            ("category", Text(torrent.Category)), ("progress", Text(torrent.Progress)), ("ratio", Text(torrent.Ratio)), ("size", Text(torrent.Size)),
            ("amount_left", Text(torrent.AmountLeft)), ("completion_on", Text(torrent.CompletionOn)), ("magnet_uri", "\"magnet:?xt=\\u0061\""),
            ("unread", """{"a":[[],{}]}"""),
        ],
        random);

    private static string Object(List<(string Name, string? Value)> fields, Random random)
    {
        var order = fields.ToArray();
        random.Shuffle(order);
        var told = order.Where(field => field.Value is not null || random.Next(2) == 0)
            .Select(static field => $"{JsonSerializer.Serialize(field.Name)}: {field.Value ?? "null"}");
        return "{" + string.Join(", ", told) + "}";
    }

    private static string? Text<T>(T value) => value is null ? null : JsonSerializer.Serialize(value);

    private static string? Nothing(string empty, Random random) => random.Next(2) == 0 ? empty : null;
}
