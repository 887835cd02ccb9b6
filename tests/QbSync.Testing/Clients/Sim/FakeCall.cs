using System.Text;

namespace QbSync.Testing.Clients.Sim;

/// <summary>A request as the fake server understood it.</summary>
/// <param name="Endpoint">As in <c>torrents/info</c>.</param>
/// <param name="Fields">Of the query and the form.</param>
/// <param name="Files">Uploaded files.</param>
public sealed record FakeCall(
    string Method,
    string Endpoint,
    IReadOnlyDictionary<string, string> Fields,
    IReadOnlyList<byte[]> Files,
    IReadOnlyDictionary<string, string> Headers)
{
    /// <summary>A field, or null.</summary>
    public string? this[string name] => Fields.GetValueOrDefault(name);

    /// <summary>The ids in <c>hashes</c> or <c>hash</c>.</summary>
    public IReadOnlyList<string> Ids => (this["hashes"] ?? this["hash"] ?? "").Split('|', StringSplitOptions.RemoveEmptyEntries);

    public bool IsTrue(string field) => this[field] is "true";

    internal static async Task<FakeCall> ReadAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        var path = request.RequestUri!.AbsolutePath;
        var endpoint = path[(path.IndexOf("/api/v2/", StringComparison.Ordinal) + 8)..];
        var headers = request.Headers.Concat(request.Content?.Headers.AsEnumerable() ?? [])
            .ToDictionary(static header => header.Key, static header => string.Join(", ", header.Value), StringComparer.OrdinalIgnoreCase);
        headers.TryAdd("Host", request.Headers.Host ?? request.RequestUri.Authority);
        var fields = new Dictionary<string, string>(StringComparer.Ordinal);
        var files = new List<byte[]>();
        Decode(request.RequestUri.Query.TrimStart('?'), fields);

        // The client loses the fields of a chunked body.
        if (request.Content is { } content && request.Headers.TransferEncodingChunked != true)
        {
            var body = await content.ReadAsByteArrayAsync(cancellationToken);
            if (content.Headers.ContentType?.MediaType == "multipart/form-data")
            {
                var boundary = content.Headers.ContentType.Parameters.First(static parameter => parameter.Name == "boundary").Value!.Trim('"');
                DecodeParts(body, Encoding.ASCII.GetBytes("--" + boundary), fields, files);
            }
            else
            {
                Decode(Encoding.ASCII.GetString(body), fields);
            }
        }

        return new FakeCall(request.Method.Method, endpoint, fields, files, headers);
    }

    private static void Decode(string form, Dictionary<string, string> fields)
    {
        foreach (var field in form.Split('&', StringSplitOptions.RemoveEmptyEntries))
        {
            var at = field.IndexOf('=', StringComparison.Ordinal);
            fields[Unescape(at < 0 ? field : field[..at])] = at < 0 ? "" : Unescape(field[(at + 1)..]);
        }

        static string Unescape(string text) => Uri.UnescapeDataString(text.Replace('+', ' '));
    }

    private static void DecodeParts(byte[] body, byte[] boundary, Dictionary<string, string> fields, List<byte[]> files)
    {
        for (var at = body.AsSpan().IndexOf(boundary); at >= 0;)
        {
            var start = at + boundary.Length + 2;
            var next = start > body.Length ? -1 : body.AsSpan(start).IndexOf(boundary);
            if (next < 0)
            {
                return;
            }

            var part = body.AsSpan(start, next - 2);
            var headEnd = part.IndexOf("\r\n\r\n"u8);
            var head = Encoding.UTF8.GetString(part[..headEnd]);
            var content = part[(headEnd + 4)..];
            if (head.Contains("filename=", StringComparison.Ordinal))
            {
                files.Add(content.ToArray());
            }
            else
            {
                var from = head.IndexOf("name=\"", StringComparison.Ordinal) + 6;
                fields[head[from..head.IndexOf('"', from)]] = Encoding.UTF8.GetString(content);
            }

            at = start + next;
        }
    }
}
