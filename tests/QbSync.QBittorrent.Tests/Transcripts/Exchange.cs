using System.Net;
using System.Text;

namespace QbSync.QBittorrent.Tests.Transcripts;

/// <summary>What was sent. Fields named <c>@..</c> are headers, values <c>&lt;file:..&gt;</c> are generated torrents.</summary>
/// <param name="Path">Below <c>api/v2/</c>, with its query, not escaped.</param>
internal sealed record ExchangeRequest(string Method, string Path, IReadOnlyList<(string Name, string Value)> Fields)
{
    /// <summary>The path without its query.</summary>
    public string Endpoint => Path.Split('?')[0];

    /// <summary>A form field, or null.</summary>
    public string? this[string field] => Fields.Where(item => item.Name == field).Select(static item => item.Value).FirstOrDefault();
}

/// <summary>One recorded request and its answer, free of what differs from one recording to the next: that stands as <c>{..}</c>.</summary>
/// <param name="Name">As in the plan.</param>
/// <param name="ContentType">Empty when there was none.</param>
/// <param name="Cookies">Set-Cookie lines.</param>
internal sealed record Exchange(
    string Name, ExchangeRequest Request, HttpStatusCode Status, string ContentType, IReadOnlyList<string> Cookies, byte[] Body)
{
    private const string BinaryMark = "Body: base64";

    /// <summary>Where a redirect leads; no client that was recorded sends one.</summary>
    public string? Location { get; init; }

    /// <summary>The body as text.</summary>
    public string Text => Encoding.UTF8.GetString(Body);

    /// <summary>Whether the answer is binary, which a transcript writes as base64.</summary>
    public bool IsBinary => Array.Exists(Body, static value => value is < 32 and not (9 or 10 or 13)) || !Text.All(static letter => letter != '\uFFFD');

    /// <summary>What the body is: empty, a word, a JSON object or array, a <c>.torrent</c>.</summary>
    public string BodyKind => Body switch
    {
        [] => "empty",
        [(byte)'{', ..] => "object",
        [(byte)'[', ..] => "array",
        [(byte)'d', >= (byte)'0' and <= (byte)'9', ..] => "torrent",
        _ => "text",
    };

    /// <summary>Reads what <see cref="Write"/> wrote.</summary>
    public static Exchange Read(string name, string text)
    {
        var lines = text.Split('\n');
        var (method, path) = Divide(lines[0], ' ');
        var end = Array.IndexOf(lines, "");
        var fields = lines[1..end].Select(static line => Divide(line, '=')).ToList();
        var answerEnd = Array.IndexOf(lines, "", end + 1);
        var answer = lines[(end + 1)..answerEnd];
        var body = string.Join('\n', lines[(answerEnd + 1)..]);
        return new Exchange(
            name,
            new ExchangeRequest(method, path, fields),
            (HttpStatusCode)int.Parse(answer[0].Split(' ')[1], System.Globalization.CultureInfo.InvariantCulture),
            Headers(answer, "Content-Type: ").FirstOrDefault() ?? "",
            Headers(answer, "Set-Cookie: "),
            answer.Contains(BinaryMark) ? Convert.FromBase64String(body) : Encoding.UTF8.GetBytes(body));
    }

    /// <summary>The text of a transcript's file.</summary>
    public string Write()
    {
        var text = new StringBuilder($"{Request.Method} {Request.Path}\n");
        foreach (var (name, value) in Request.Fields)
        {
            text.Append(name).Append('=').Append(value).Append('\n');
        }

        text.Append($"\nHTTP/1.1 {(int)Status}\n");
        if (ContentType.Length > 0)
        {
            text.Append("Content-Type: ").Append(ContentType).Append('\n');
        }

        foreach (var cookie in Cookies)
        {
            text.Append("Set-Cookie: ").Append(cookie).Append('\n');
        }

        return text.Append(IsBinary ? BinaryMark + "\n\n" + Convert.ToBase64String(Body) : "\n" + Text).ToString();
    }

    private static List<string> Headers(string[] lines, string name) =>
        [.. lines.Where(line => line.StartsWith(name, StringComparison.Ordinal)).Select(line => line[name.Length..])];

    private static (string Left, string Right) Divide(string line, char by)
    {
        var at = line.IndexOf(by, StringComparison.Ordinal);
        return (line[..at], line[(at + 1)..]);
    }
}
