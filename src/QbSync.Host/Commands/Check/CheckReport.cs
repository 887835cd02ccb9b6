using System.Globalization;
using System.Text;
using System.Text.Json;
using QbSync.Host.Logging;
using QbSync.Storage.Inspection;

namespace QbSync.Host.Commands.Check;

/// <summary>How a torrent's check ended.</summary>
/// <param name="Skipped">Why it was not checked; null when it was.</param>
internal sealed record CheckedTorrent(string Hash, string Name, IReadOnlyList<CheckedFile> Files, string? Skipped = null)
{
    public bool IsBad => Files.Any(static file => file.Mark.IsBad());
}

/// <summary>What checks found, as lines for people and as a document for programs. Pure.</summary>
internal static class CheckReport
{
    public static IEnumerable<string> ToLines(CheckedTorrent torrent)
    {
        yield return PlainText.Escape($"{torrent.Hash}  {torrent.Name}{(torrent.Skipped is { } why ? $": skipped, {why}" : "")}");
        foreach (var file in torrent.Files)
        {
            var more = file switch
            {
                { Mark: FileMark.Unreadable, Error: var error } => "  " + error,
                { Mark: FileMark.Bad, BadPieces.Count: > 0 } => $"  pieces {ToRanges(file.BadPieces)}",
                { Mark: FileMark.Bad } => "  has another length",
                _ => "",
            };
            yield return PlainText.Escape($"  {ToSign(file.Mark)}  {file.Path}{more}");
        }
    }

    public static string Sum(IReadOnlyList<CheckedTorrent> torrents)
    {
        var (bad, skipped) = (torrents.Count(static torrent => torrent.IsBad), torrents.Count(static torrent => torrent.Skipped is not null));
        return $"{torrents.Count - skipped} torrents checked, {bad} bad{(skipped > 0 ? $", {skipped} skipped" : "")}.";
    }

    public static string ToJson(IReadOnlyList<CheckedTorrent> torrents)
    {
        using var bytes = new MemoryStream();
        using (var json = new Utf8JsonWriter(bytes, new JsonWriterOptions { Indented = true, NewLine = "\n" }))
        {
            json.WriteStartObject();
            json.WriteBoolean("ok", !torrents.Any(static torrent => torrent.IsBad));
            json.WriteStartArray("torrents");
            foreach (var torrent in torrents)
            {
                json.WriteStartObject();
                json.WriteString("hash", torrent.Hash);
                json.WriteString("name", torrent.Name);
                json.WriteString("result", torrent.Skipped is not null ? "skipped" : torrent.IsBad ? "bad" : "good");
                json.WriteString("skipped", torrent.Skipped);
                json.WriteStartArray("files");
                foreach (var file in torrent.Files)
                {
                    json.WriteStartObject();
                    json.WriteString("path", file.Path);
                    json.WriteString("mark", ToSign(file.Mark).ToString());
                    json.WriteString("badPieces", file.BadPieces.Count > 0 ? ToRanges(file.BadPieces) : null);
                    json.WriteString("error", file.Error);
                    json.WriteEndObject();
                }

                json.WriteEndArray();
                json.WriteEndObject();
            }

            json.WriteEndArray();
            json.WriteEndObject();
        }

        return Encoding.UTF8.GetString(bytes.ToArray());
    }

    /// <summary><c>3, 7-9</c>.</summary>
    public static string ToRanges(IReadOnlyList<int> pieces)
    {
        var text = new StringBuilder();
        for (var i = 0; i < pieces.Count;)
        {
            var last = i;
            while (last + 1 < pieces.Count && pieces[last + 1] == pieces[last] + 1)
            {
                last++;
            }

            text.Append(i > 0 ? ", " : "").Append(CultureInfo.InvariantCulture, $"{pieces[i]}");
            text.Append(CultureInfo.InvariantCulture, $"{(last > i ? $"-{pieces[last]}" : "")}");
            i = last + 1;
        }

        return text.ToString();
    }

    private static char ToSign(FileMark mark) => mark switch
    {
        FileMark.Good => '=',
        FileMark.Bad => '*',
        FileMark.Missing => '-',
        FileMark.Extra => '+',
        FileMark.Unreadable => '!',
    };
}
