using System.Text.Json;

namespace QbSync.QBittorrent.Tests.Transcripts;

/// <summary>
/// What of an answer has to be the same on everything that speaks a version: status, content type, kind of body, names of fields, and those
/// values that say what became of a torrent.
/// </summary>
internal static class AnswerShape
{
    private static readonly HashSet<string> Telling =
    [
        "state", "progress", "amount_left", "completed", "size", "category", "tags", "hash", "infohash_v1", "infohash_v2", "ratio_limit", "seeding_time_limit",
        "inactive_seeding_time_limit", "auto_tmm", "save_path", "index", "name", "piece_range", "tier", "url", "is_seed", "pieces_have", "success_count",
    ];

    // Keys of these are data.
    private static readonly HashSet<string> Maps = ["torrents", "categories", "trackers"];

    public static string Of(Exchange exchange)
    {
        var lines = new SortedSet<string>(StringComparer.Ordinal);
        if (exchange is { BodyKind: "object" or "array", Name: not "log" })
        {
            using var body = JsonDocument.Parse(Placeholders.Fill(exchange.Text));
            var isMap = exchange.Request.Endpoint == "torrents/categories";

            // What a start makes of a torrent whose files are missing differs from one time to the next.
            var tells = exchange.Request.Endpoint.StartsWith("torrents/", StringComparison.Ordinal) && exchange.Name != "info-missing-started";
            Add(lines, "", body.RootElement, isMap, tells);
        }

        var head = $"{(int)exchange.Status} {exchange.ContentType} {exchange.BodyKind}";
        return string.Join('\n', lines.Prepend(head));
    }

    private static void Add(SortedSet<string> lines, string path, JsonElement element, bool isMap, bool tells)
    {
        switch (element.ValueKind)
        {
            case JsonValueKind.Object:
                foreach (var field in element.EnumerateObject())
                {
                    // What the moment decides.
                    if (path.Length == 0 && field.Name == "server_state" && !element.TryGetProperty("full_update", out _))
                    {
                        continue;
                    }

                    var name = $"{path}.{(isMap ? "*" : field.Name)}";
                    lines.Add(name);
                    Add(lines, name, field.Value, path.Length == 0 && Maps.Contains(field.Name), tells);
                    if (tells && Telling.Contains(field.Name))
                    {
                        lines.Add($"{name}={field.Value.GetRawText()}");
                    }
                }

                break;
            case JsonValueKind.Array:
                foreach (var item in element.EnumerateArray())
                {
                    Add(lines, path + "[]", item, isMap: false, tells);
                    if (item.ValueKind == JsonValueKind.Number && path.Length == 0)
                    {
                        lines.Add($"[]={item.GetRawText()}");
                    }
                }

                break;
        }
    }
}
