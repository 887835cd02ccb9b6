using System.Net;
using System.Text;

namespace QbSync.Testing.Clients.Sim;

/// <summary>How the fake server lets people in.</summary>
public sealed class FakeServerOptions
{
    /// <summary>Its address; a Host of another port is refused.</summary>
    public Uri Url { get; init; } = new("http://127.0.0.1:8080/");

    /// <summary>Whether a login is wanted.</summary>
    public bool RequireLogin { get; init; }

    public string Username { get; init; } = "admin";

    public string Password { get; set; } = "right";

    /// <summary>Refusals after which the address is banned for <see cref="BanTime"/>; only a success or the ban's end clears their count.</summary>
    public int MostFailures { get; init; } = 5;

    public TimeSpan BanTime { get; init; } = TimeSpan.FromHours(1);

    /// <summary>A login ends when it was not used for this long.</summary>
    public TimeSpan SessionTime { get; init; } = TimeSpan.FromHours(1);
}

/// <summary>
/// The WebAPI of any version over the simulated client: what it refuses, ignores and answers is as recorded. An <see cref="HttpMessageHandler"/>,
/// so that it stands where a connection would. Thread-safe.
/// </summary>
public sealed partial class FakeQBittorrentServer(SimClientModel model, FakeServerOptions options) : HttpMessageHandler
{
    private readonly WebApiFields _fields = new(model.Generation.Api);
    private readonly Lock _gate = new();
    private readonly List<FakeCall> _calls = [];
    private readonly Dictionary<string, Func<FakeCall, Func<FakeAnswer>, Task<FakeAnswer>>> _intercepts = [];

    public SimClientModel Model => model;

    /// <summary>What was asked, in order.</summary>
    public IReadOnlyList<FakeCall> Calls
    {
        get
        {
            lock (_gate)
            {
                return [.. _calls];
            }
        }
    }

    /// <summary>Answers an endpoint otherwise; the second argument makes the usual answer, with its effects. Throwing is a lost connection.</summary>
    public void Intercept(string endpoint, Func<FakeCall, Func<FakeAnswer>, Task<FakeAnswer>>? answer)
    {
        lock (_gate)
        {
            if (answer is null)
            {
                _intercepts.Remove(endpoint);
            }
            else
            {
                _intercepts[endpoint] = answer;
            }
        }
    }

    /// <summary>A plain text answer, as this version writes it.</summary>
    public FakeAnswer Text(HttpStatusCode status, string text) =>
        new(status, model.Generation.IsOldest ? "text/plain" : "text/plain; charset=UTF-8", Encoding.UTF8.GetBytes(text));

    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        var call = await FakeCall.ReadAsync(request, cancellationToken);
        Func<FakeCall, Func<FakeAnswer>, Task<FakeAnswer>>? intercept;
        lock (_gate)
        {
            _calls.Add(call);
            intercept = _intercepts.GetValueOrDefault(call.Endpoint);
        }

        var answer = intercept is null ? Answer(call) : await intercept(call, () => Answer(call)).WaitAsync(cancellationToken);
        return answer.ToResponse();
    }

    private FakeAnswer Answer(FakeCall call)
    {
        if (CheckAccess(call, out var session) is { } refusal)
        {
            return refusal;
        }

        if (call.Endpoint.StartsWith("auth/", StringComparison.Ordinal))
        {
            return AnswerAuth(call, session);
        }

        if (!Routes.TryGetValue(call.Endpoint, out var route) || !route.Exists(model.Generation))
        {
            var isKnownScope = Routes.Keys.Any(known => known.Split('/')[0] == call.Endpoint.Split('/')[0]);
            return Refuse(HttpStatusCode.NotFound, isKnownScope && SaysMore ? "Endpoint does not exist" : null);
        }

        if (route.IsChange && call.Method != "POST" && !model.Generation.IsOldest)
        {
            return Refuse(HttpStatusCode.MethodNotAllowed);
        }

        var missing = route.Required.Where(name => !call.Fields.ContainsKey(name)).ToList();
        if (missing.Count > 0)
        {
            return Refuse(HttpStatusCode.BadRequest, SaysMore ? $"Missing required parameters: {string.Join(", ", missing)}" : null);
        }

        return route.Answer(this, call, session);
    }

    private bool SaysMore => model.Generation.AnswersByStatus;

    // Old versions say nothing besides the status, later ones its name, the newest what was wrong.
    private FakeAnswer Refuse(HttpStatusCode status, string? text = null) => model.Generation.IsOldest && text is null
        ? new FakeAnswer(status, null, [])
        : Text(status, text ?? Name(status));

    private static string Name(HttpStatusCode status) => status switch
    {
        HttpStatusCode.NotFound => "Not Found",
        HttpStatusCode.BadRequest => "Bad Request",
        HttpStatusCode.MethodNotAllowed => "Method Not Allowed",
        _ => status.ToString(),
    };

    private FakeAnswer Done() => Text(HttpStatusCode.OK, "");

    private FakeAnswer Of(SimChange change, string refusal) => change switch
    {
        SimChange.UnknownTorrent => Refuse(HttpStatusCode.NotFound),
        SimChange.Refused => Refuse(HttpStatusCode.Conflict, refusal),
        _ => Done(),
    };
}
