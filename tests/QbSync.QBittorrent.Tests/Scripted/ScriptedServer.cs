using System.Net;
using System.Text;

namespace QbSync.QBittorrent.Tests.Scripted;

/// <summary>What was asked.</summary>
internal sealed record SentRequest(string Method, string Path, byte[] Body, IReadOnlyDictionary<string, string> Headers)
{
    public string Text => Encoding.UTF8.GetString(Body);
}

/// <summary>
/// Answers by endpoint from the script. What the session asks is answered as a client of <see cref="Version"/> does unless scripted; any
/// other request fails the test.
/// </summary>
internal sealed class ScriptedServer(string version) : HttpMessageHandler
{
    private readonly Lock _gate = new();
    private readonly List<SentRequest> _requests = [];
    private readonly Dictionary<string, Queue<Func<SentRequest, Task<HttpResponseMessage>>>> _script = [];
    private readonly Dictionary<string, Func<SentRequest, Task<HttpResponseMessage>>> _standing = [];

    public string Version { get; set; } = version;

    public IReadOnlyList<SentRequest> Requests
    {
        get
        {
            lock (_gate)
            {
                return [.. _requests];
            }
        }
    }

    /// <summary>Requests besides those of the session itself.</summary>
    public IReadOnlyList<SentRequest> Calls => [.. Requests.Where(static request => !request.Path.StartsWith("app/", StringComparison.Ordinal) && !request.Path.StartsWith("auth/", StringComparison.Ordinal))];

    public int Count(string endpoint) => Requests.Count(request => request.Path.Split('?')[0] == endpoint);

    /// <summary>Answers once, in order.</summary>
    public ScriptedServer Answer(string endpoint, HttpStatusCode status, string body = "", params (string Name, string Value)[] headers) =>
        Do(endpoint, () => Task.FromResult(Make(status, Encoding.UTF8.GetBytes(body), headers)));

    public ScriptedServer Answer(string endpoint, string body) => Answer(endpoint, HttpStatusCode.OK, body);

    public ScriptedServer Answer(string endpoint, byte[] body) => Do(endpoint, () => Task.FromResult(Make(HttpStatusCode.OK, body)));

    public ScriptedServer Throw(string endpoint, Exception exception) => Do(endpoint, () => Task.FromException<HttpResponseMessage>(exception));

    public ScriptedServer Do(string endpoint, Func<Task<HttpResponseMessage>> answer)
    {
        lock (_gate)
        {
            if (!_script.TryGetValue(endpoint, out var queue))
            {
                _script[endpoint] = queue = [];
            }

            queue.Enqueue(_ => answer());
        }

        return this;
    }

    /// <summary>Answers whenever nothing is scripted.</summary>
    public ScriptedServer Always(string endpoint, HttpStatusCode status, string body = "") => AlwaysDo(endpoint, () => Task.FromResult(Make(status, Encoding.UTF8.GetBytes(body))));

    public ScriptedServer AlwaysDo(string endpoint, Func<Task<HttpResponseMessage>> answer) => AlwaysDo(endpoint, _ => answer());

    /// <summary>As the other, given what is asked: by then the last of <see cref="Requests"/> may be another one.</summary>
    public ScriptedServer AlwaysDo(string endpoint, Func<SentRequest, Task<HttpResponseMessage>> answer)
    {
        lock (_gate)
        {
            _standing[endpoint] = answer;
        }

        return this;
    }

    public static HttpResponseMessage Make(HttpStatusCode status, byte[] body, params (string Name, string Value)[] headers)
    {
        var response = new HttpResponseMessage(status) { Content = new ByteArrayContent(body) };
        foreach (var (name, value) in headers)
        {
            response.Headers.TryAddWithoutValidation(name, value);
        }

        return response;
    }

    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        var path = request.RequestUri!.PathAndQuery;
        path = path[(path.IndexOf("/api/v2/", StringComparison.Ordinal) + 8)..];
        var headers = request.Headers.Concat(request.Content?.Headers.AsEnumerable() ?? [])
            .ToDictionary(static header => header.Key, static header => string.Join(", ", header.Value));
        var body = request.Content is null ? [] : await request.Content.ReadAsByteArrayAsync(cancellationToken);
        if (request.Content is not null)
        {
            headers["Content-Length"] = $"{request.Content.Headers.ContentLength}";
        }

        var sent = new SentRequest(request.Method.Method, path, body, headers);
        Func<SentRequest, Task<HttpResponseMessage>> answer;
        lock (_gate)
        {
            _requests.Add(sent);
            answer = Find(path.Split('?')[0]);
        }

        return await answer(sent).WaitAsync(cancellationToken);
    }

    private Func<SentRequest, Task<HttpResponseMessage>> Find(string endpoint)
    {
        if (_script.TryGetValue(endpoint, out var queue) && queue.TryDequeue(out var next))
        {
            return next;
        }

        if (_standing.TryGetValue(endpoint, out var always))
        {
            return always;
        }

        string? standard = endpoint switch
        {
            "app/webapiVersion" => Version,
            "app/version" => "v9.9.9",
            "app/buildInfo" => """{"libtorrent":"2.0.9.0"}""",
            "app/preferences" => """{"save_path":"/downloads","temp_path":"/temp","temp_path_enabled":false,"refresh_interval":1500}""",
            "auth/logout" => "",
            _ => null,
        };
        return _ => Task.FromResult(standard is null
            ? throw new InvalidOperationException($"Nothing is scripted for {endpoint}.")
            : Make(HttpStatusCode.OK, Encoding.UTF8.GetBytes(standard)));
    }
}
