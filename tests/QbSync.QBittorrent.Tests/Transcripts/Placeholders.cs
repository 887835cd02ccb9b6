using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace QbSync.QBittorrent.Tests.Transcripts;

/// <summary>Takes out of an answer what differs between recordings of the same client, and puts examples in its place when it is played.</summary>
internal static partial class Placeholders
{
    private static readonly (string Mark, string Example)[] Examples =
    [
        ("{folder}", "/data"), ("{profile}", "/profile"), ("{port}", "8080"), ("{date}", "1893456000"), ("{seconds}", "1"), ("{bytes}", "100000000000"),
        ("{count}", "1"), ("{cookie}", "0123456789abcdefghijklmnopqrstuv"), ("{key}", "qbt_0123456789abcdefghijklmnopqr"),
    ];

    /// <summary>Example values in the places of marks.</summary>
    public static string Fill(string text)
    {
        foreach (var (mark, example) in Examples)
        {
            text = text.Replace(mark, example, StringComparison.Ordinal);
        }

        return text;
    }

    /// <summary>Marks in the places of values.</summary>
    /// <param name="places">Text that is the instance's own, longest first, and the mark for it.</param>
    public static string Take(string text, IEnumerable<(string Text, string Mark)> places)
    {
        foreach (var (place, mark) in places)
        {
            text = text.Replace(place, mark, StringComparison.Ordinal);
        }

        text = Dates().Replace(text, "$1{date}");
        text = Seconds().Replace(text, "$1{seconds}");
        text = Bytes().Replace(text, "$1{bytes}");
        text = Counts().Replace(text, "$1{count}");
        text = Ports().Replace(text, "$1{port}");
        text = Text().Replace(text, "$1{count}");
        return Endpoints().Replace(text, "$1{port}");
    }

    /// <summary>An export names the moment of its making; the length stays the same.</summary>
    public static byte[] TakeBinary(byte[] body) =>
        Encoding.Latin1.GetBytes(CreationDate().Replace(Encoding.Latin1.GetString(body), "$1i1893456000e"));

    /// <summary>Some lists come in the order of a hash table, which differs by process; they are put in that of ids or names.</summary>
    public static string Order(string text)
    {
        text = Sets().Replace(text, static list => $"{list.Groups[1].Value}[{string.Join(',', list.Groups[2].Value.Split(',').Order(StringComparer.Ordinal))}]");
        if (!text.StartsWith("[{", StringComparison.Ordinal) || !text.Contains("\"infohash_v1\"", StringComparison.Ordinal) && !text.Contains("\"magnet_uri\"", StringComparison.Ordinal))
        {
            return text;
        }

        using var list = JsonDocument.Parse(text);
        var entries = list.RootElement.EnumerateArray().OrderBy(static entry => entry.GetProperty("hash").GetString(), StringComparer.Ordinal);
        return new StringBuilder("[").AppendJoin(',', entries.Select(static entry => entry.GetRawText())).Append(']').ToString();
    }

    [GeneratedRegex("""("(?:added_on|completion_on|last_activity|seen_complete|addition_date|completion_date|creation_date|last_seen|timestamp|next_announce|min_announce)":)[1-9]\d{8,}""")]
    private static partial Regex Dates();

    [GeneratedRegex("""("(?:time_active|time_elapsed|seeding_time|reannounce)":)\d+""")]
    private static partial Regex Seconds();

    [GeneratedRegex("""("free_space_on_disk":)\d+""")]
    private static partial Regex Bytes();

    [GeneratedRegex("""("(?:total_buffers_size|average_time_queue|queued_io_jobs|total_queued_size|last_external_address_v[46])":)\d+""")]
    private static partial Regex Counts();

    [GeneratedRegex("""("(?:web_ui_port|listen_port|ssl_listen_port)":)\d+""")]
    private static partial Regex Ports();

    [GeneratedRegex("""(127\.0\.0\.1:|(?:TCP|UTP|SSL|SSL_TCP|SSL_UTP)/|[Pp]ort: \D{0,8})\d{4,5}""")]
    private static partial Regex Endpoints();

    [GeneratedRegex("""("(?:tags|torrents_removed|categories_removed|tags_removed)":)\[([^\]]+)\]""")]
    private static partial Regex Sets();

    [GeneratedRegex("(Process ID: )[0-9]+")]
    private static partial Regex Text();

    [GeneratedRegex("(13:creation date)i[0-9]{10}e")]
    private static partial Regex CreationDate();
}
