using System.Text;

namespace QbSync.QBittorrent.Tests.Transcripts;

/// <summary>
/// Answers as the real client of a version did. What is asked in a login is answered as recorded in one; other answers are put first with
/// <see cref="Then"/>. A GET has to be the recorded one, a POST one to the same endpoint for the same torrents. Anything else throws, and is
/// in <see cref="Unknown"/>, which the test has to find empty.
/// </summary>
internal sealed class TranscriptHandler : HttpMessageHandler
{
    private readonly Lock _gate = new();
    private readonly List<Exchange> _standing;
    private readonly Dictionary<string, Queue<Exchange>> _next = [];
    private readonly List<string> _unknown = [], _played = [];

    public TranscriptHandler(string version)
    {
        Transcript = Transcript.Load(version);
        var all = Transcript.Exchanges;
        int from = Index("version"), to = Index("logout");
        _standing = [.. all.Take(to + 1).Skip(from), .. all.Where(static exchange => exchange.Name == "login-right")];

        int Index(string name) => all.Index().First(item => item.Item.Name == name).Index;
    }

    public Transcript Transcript { get; }

    /// <summary>Requests that no recorded one is like.</summary>
    public IReadOnlyList<string> Unknown
    {
        get
        {
            lock (_gate)
            {
                return [.. _unknown];
            }
        }
    }

    /// <summary>Names of the exchanges that were played, in order.</summary>
    public IReadOnlyList<string> Played
    {
        get
        {
            lock (_gate)
            {
                return [.. _played];
            }
        }
    }

    /// <summary>Plays these, in order, when their endpoints are asked next, whatever the fields.</summary>
    public TranscriptHandler Then(params string[] names)
    {
        foreach (var exchange in names.Select(name => Transcript[name]))
        {
            ThenAt(exchange.Request.Method, exchange.Request.Endpoint, exchange);
        }

        return this;
    }

    /// <summary>Plays an answer when another endpoint than its own is asked next.</summary>
    public TranscriptHandler ThenAt(string method, string endpoint, Exchange exchange)
    {
        lock (_gate)
        {
            if (!_next.TryGetValue($"{method} {endpoint}", out var queue))
            {
                _next[$"{method} {endpoint}"] = queue = [];
            }

            queue.Enqueue(exchange);
        }

        return this;
    }

    /// <summary>A recorded answer with example values for what stands as <c>{..}</c>.</summary>
    public static HttpResponseMessage Answer(Exchange exchange)
    {
        var body = exchange.IsBinary ? exchange.Body : Encoding.UTF8.GetBytes(Placeholders.Fill(exchange.Text));
        var response = new HttpResponseMessage(exchange.Status) { Content = new ByteArrayContent(body) };
        if (exchange.ContentType.Length > 0)
        {
            response.Content.Headers.TryAddWithoutValidation("Content-Type", exchange.ContentType);
        }

        if (exchange.Location is not null)
        {
            response.Headers.Location = new Uri(exchange.Location);
        }

        foreach (var cookie in exchange.Cookies)
        {
            response.Headers.TryAddWithoutValidation("Set-Cookie", Placeholders.Fill(cookie));
        }

        return response;
    }

    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        var path = Uri.UnescapeDataString(request.RequestUri!.PathAndQuery);
        path = path[(path.IndexOf("/api/v2/", StringComparison.Ordinal) + 8)..];
        var form = request.Content is null ? "" : await request.Content.ReadAsStringAsync(cancellationToken);
        lock (_gate)
        {
            if (Find(request.Method.Method, path, Torrents(form)) is { } exchange)
            {
                _played.Add(exchange.Name);
                return Answer(exchange);
            }

            _unknown.Add($"{request.Method} {path}");
        }

        throw new InvalidOperationException($"qBittorrent {Transcript.Version} was not recorded with {request.Method} {path} {form}.");
    }

    private Exchange? Find(string method, string path, string? torrents)
    {
        if (_next.TryGetValue($"{method} {path.Split('?')[0]}", out var queue) && queue.TryDequeue(out var next))
        {
            return next;
        }

        return _standing.Find(exchange => exchange.Request.Method == method && (method == "GET"
            ? exchange.Request.Path == path
            : exchange.Request.Path == path && (exchange.Request["hashes"] ?? exchange.Request["hash"]) == torrents));
    }

    private static string? Torrents(string form) => form.Split('&')
        .Where(static field => field.StartsWith("hash=", StringComparison.Ordinal) || field.StartsWith("hashes=", StringComparison.Ordinal))
        .Select(static field => Uri.UnescapeDataString(field[(field.IndexOf('=', StringComparison.Ordinal) + 1)..]))
        .FirstOrDefault();
}
