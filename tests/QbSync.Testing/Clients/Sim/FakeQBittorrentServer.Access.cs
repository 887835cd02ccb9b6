using System.Net;
using System.Text;
using System.Text.Json.Nodes;

namespace QbSync.Testing.Clients.Sim;

public sealed partial class FakeQBittorrentServer
{
    private const int MostSessions = 15;

    private readonly List<FakeSession> _sessions = [];
    private readonly FakeSession _anonymous = new("");
    private FakeSession? _keySession;
    private string? _key;
    private int _failures, _cookies;
    private DateTimeOffset _bannedUntil;

    /// <summary>Logins that are open.</summary>
    public int SessionCount
    {
        get
        {
            lock (_gate)
            {
                return _sessions.Count;
            }
        }
    }

    /// <summary>Refused logins since the last success.</summary>
    public int FailureCount
    {
        get
        {
            lock (_gate)
            {
                return _failures;
            }
        }
    }

    /// <summary>Ends all logins, as a restart does.</summary>
    public void EndSessions()
    {
        lock (_gate)
        {
            _sessions.Clear();
        }
    }

    /// <summary>Sets the API key; null takes it away.</summary>
    public void SetKey(string? key)
    {
        lock (_gate)
        {
            (_key, _keySession) = (key, key is null ? null : new FakeSession(""));
        }
    }

    private string CookieName => model.Generation.AnswersByStatus ? $"QBT_SID_{options.Url.Port}" : "SID";

    // Null: let in.
    private FakeAnswer? CheckAccess(FakeCall call, out FakeSession session)
    {
        lock (_gate)
        {
            session = _anonymous;
            var host = call.Headers["Host"];
            var port = host.Contains(':', StringComparison.Ordinal) ? host[(host.LastIndexOf(':') + 1)..] : "80";
            var isForeign = new[] { "Origin", "Referer" }.Any(name =>
                call.Headers.TryGetValue(name, out var from) && new Uri(from).Authority != options.Url.Authority);
            if (port != $"{options.Url.Port}" || isForeign)
            {
                return Refuse(HttpStatusCode.Unauthorized);
            }

            _sessions.RemoveAll(known => known.UsedAt + options.SessionTime < model.Now);
            if (FindSessionNeedsLock(call) is { } found)
            {
                found.UsedAt = model.Now;
                session = found;
                return null;
            }

            if (model.Generation.TakesBasic && call.Headers.GetValueOrDefault("Authorization") is { } basic && basic.StartsWith("Basic ", StringComparison.Ordinal))
            {
                return CheckBasicNeedsLock(basic, ref session);
            }

            return !options.RequireLogin || call.Endpoint == "auth/login" ? null : Refuse(HttpStatusCode.Forbidden);
        }
    }

    private FakeSession? FindSessionNeedsLock(FakeCall call)
    {
        if (model.Generation.HasKeys && _key is not null && call.Headers.GetValueOrDefault("Authorization") == "Bearer " + _key)
        {
            return _keySession;
        }

        var cookies = call.Headers.GetValueOrDefault("Cookie", "").Split(';', StringSplitOptions.TrimEntries);
        return _sessions.Find(known => cookies.Contains($"{CookieName}={known.Cookie}"));
    }

    private FakeAnswer? CheckBasicNeedsLock(string basic, ref FakeSession session)
    {
        var right = "Basic " + Convert.ToBase64String(Encoding.UTF8.GetBytes($"{options.Username}:{options.Password}"));
        if (_bannedUntil > model.Now || basic != right)
        {
            CountFailureNeedsLock();
            return Refuse(HttpStatusCode.Unauthorized);
        }

        _failures = 0;
        session = OpenNeedsLock();
        return null;
    }

    private FakeAnswer AnswerAuth(FakeCall call, FakeSession session)
    {
        lock (_gate)
        {
            switch (call.Endpoint)
            {
                case "auth/logout" when call.Method == "POST" || model.Generation.IsOldest:
                    _sessions.Remove(session);
                    return Done() with { Cookie = $"{CookieName}=; expires=Thu, 01 Jan 1970 00:00:00 GMT; path=/" };
                case "auth/login" when call.Method == "POST" || model.Generation.IsOldest:
                    return LogInNeedsLock(call, session);
                case "auth/login" or "auth/logout":
                    return Refuse(HttpStatusCode.MethodNotAllowed);
                default:
                    return Refuse(HttpStatusCode.NotFound);
            }
        }
    }

    private FakeAnswer LogInNeedsLock(FakeCall call, FakeSession session)
    {
        var byStatus = model.Generation.AnswersByStatus;
        if (_sessions.Contains(session))
        {
            return Accepted(null);
        }

        if (_bannedUntil > model.Now)
        {
            return Text(HttpStatusCode.Forbidden, "Your IP address has been banned after too many failed authentication attempts.");
        }

        if (call["username"] != options.Username || call["password"] != options.Password)
        {
            CountFailureNeedsLock();
            return byStatus ? Refuse(HttpStatusCode.Unauthorized) : Text(HttpStatusCode.OK, "Fails.");
        }

        _failures = 0;
        return Accepted($"{CookieName}={OpenNeedsLock().Cookie}; HttpOnly; path=/; SameSite=Strict");

        FakeAnswer Accepted(string? cookie) =>
            (byStatus ? new FakeAnswer(HttpStatusCode.NoContent, null, []) : Text(HttpStatusCode.OK, "Ok.")) with { Cookie = cookie };
    }

    private FakeSession OpenNeedsLock()
    {
        var session = new FakeSession($"cookie{++_cookies:0000000000}") { UsedAt = model.Now };
        _sessions.Add(session);
        if (_sessions.Count > MostSessions && model.Generation.AnswersByStatus)
        {
            _sessions.RemoveAt(0);
        }

        return session;
    }

    // The count does not fall with time: only a success or the end of a ban clears it.
    private void CountFailureNeedsLock()
    {
        if (_bannedUntil != default && _bannedUntil <= model.Now)
        {
            (_failures, _bannedUntil) = (0, default);
        }

        if (++_failures >= options.MostFailures)
        {
            _bannedUntil = model.Now + options.BanTime;
        }
    }

    private FakeAnswer MakeKey()
    {
        SetKey("qbt_0123456789abcdefghijklmnopqr");
        return FakeAnswer.Json(new JsonObject { ["apiKey"] = "qbt_0123456789abcdefghijklmnopqr" });
    }

    /// <summary>A login, and what its feed was told last. Guarded by the server.</summary>
    private sealed class FakeSession(string cookie)
    {
        public string Cookie => cookie;

        public DateTimeOffset UsedAt { get; set; }

        public int Rid { get; set; }

        public JsonObject? Told { get; set; }
    }
}
