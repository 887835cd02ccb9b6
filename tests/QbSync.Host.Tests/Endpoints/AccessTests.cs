using System.Net;
using System.Net.Http.Headers;
using Microsoft.AspNetCore.Http;
using QbSync.Host.Commands.Control;
using QbSync.Host.Endpoints;
using QbSync.Host.Lifetime;
using QbSync.Host.Tests.Reporting;
using QbSync.Testing.Specifications;

namespace QbSync.Host.Tests.Endpoints;

internal sealed class AccessTests
{
    private const string Token = "correct horse battery";
    private static readonly string[] ForAll = ["/healthz", "/livez", "/readyz"];
    private static readonly string[] Guarded = ["/", "/assets/page.js", "/api/v1/status", "/api/v1/events", "/api/v1/plan", "/api/v1/torrents/x/explain", "/no/such"];
    private static readonly IPAddress Here = IPAddress.Parse("::ffff:127.0.0.1");
    private static readonly IPAddress Other = IPAddress.Parse("192.168.1.7");

    [Test]
    [HostCase(25)]
    public void Judge_EachAccess_IsAsTheTableSays([Values("", Token)] string token, [Values] bool isOpen, [Values] bool isHere)
    {
        var rules = new AccessRules(token, isOpen, ["nas.lan"]);
        var peer = isHere ? Here : Other;
        Assert.Multiple(() =>
        {
            foreach (var host in (string[])["localhost:8080", "127.0.0.1:8080", "[::1]:8080", "NAS.lan", Environment.MachineName])
            {
                foreach (var path in ForAll)
                {
                    Assert.That(Judge("GET", host, path, null), Is.EqualTo(200), path);
                }

                var without = token.Length > 0 ? 401 : isOpen || isHere ? 200 : 403;
                foreach (var path in Guarded)
                {
                    Assert.That(Judge("GET", host, path, null), Is.EqualTo(without), path);
                    Assert.That(Judge("HEAD", host, path, Bearer(Token)), Is.EqualTo(token.Length > 0 ? 200 : without), path);
                    Assert.That(Judge("GET", host, path, Basic("anybody", Token)), Is.EqualTo(token.Length > 0 ? 200 : without), path);
                    Assert.That(Judge("GET", host, path, Bearer(Token + "x")), Is.EqualTo(without), path);
                    Assert.That(Judge("GET", host, path, Basic(Token, "")), Is.EqualTo(without), path);
                }

                Assert.That(Judge("GET", host, "/metrics", null), Is.EqualTo(token.Length > 0 ? 401 : 200));
                Assert.That(Judge("GET", host, "/metrics", Bearer(Token)), Is.EqualTo(200));
            }

            foreach (var host in (string[])["evil.example", "localhost.evil.example", ""])
            {
                Assert.That(Guarded.Append("/metrics").Select(path => Judge("GET", host, path, Bearer(Token))), Has.All.EqualTo(421), host);
            }

            foreach (var method in (string[])["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"])
            {
                Assert.That(Guarded.Concat(ForAll).Select(path => Judge(method, "localhost", path, Bearer(Token))), Has.All.EqualTo(405), method);
            }
        });

        int Judge(string method, string host, string path, string? authorization) => rules.Judge(method, new HostString(host), path, peer, authorization);
    }

    [Test]
    [HostCase(25)]
    public async Task Listener_WithToken_AsksForItAndSendsNoCors()
    {
        await using var lab = new StatusLab();
        using var http = new HttpClient { BaseAddress = await lab.ListenAsync(Token) };
        var refused = await http.GetAsync("/api/v1/status");
        http.DefaultRequestHeaders.Authorization = AuthenticationHeaderValue.Parse(Bearer(Token));
        var answer = await http.GetAsync("/");
        var posted = await http.PostAsync("/api/v1/drain", null);
        Assert.Multiple(() =>
        {
            Assert.That(refused.StatusCode, Is.EqualTo(HttpStatusCode.Unauthorized));
            Assert.That(refused.Headers.WwwAuthenticate.ToString(), Does.StartWith("Basic"));
            Assert.That(answer.StatusCode, Is.EqualTo(HttpStatusCode.OK));
            Assert.That(answer.Headers.GetValues("Content-Security-Policy").Single(), Does.StartWith("default-src 'none'").And.Not.Contain("unsafe"));
            Assert.That(answer.Headers.GetValues("X-Content-Type-Options"), Is.EqualTo(new[] { "nosniff" }));
            Assert.That(answer.Headers.GetValues("Referrer-Policy"), Is.EqualTo(new[] { "no-referrer" }));
            Assert.That(answer.Headers.CacheControl!.NoStore, Is.True);
            Assert.That(answer.Headers.Contains("Access-Control-Allow-Origin"), Is.False);
            Assert.That(answer.Headers.Contains("Server"), Is.False);
            Assert.That(posted.StatusCode, Is.EqualTo(HttpStatusCode.MethodNotAllowed));
            Assert.That(lab.Drains, Is.Zero);
        });
    }

    [TestCase("/healthz", 200)]
    [TestCase("/livez", 200)]
    [TestCase("/readyz", 200)]
    [TestCase("/metrics", 200)]
    [TestCase("/", 200)]
    [TestCase("/assets/page.css", 200)]
    [TestCase("/assets/page.js", 200)]
    [TestCase("/assets/page.html", 404)]
    [TestCase("/api/v1/status", 200)]
    [TestCase("/api/v1/plan", 200)]
    [TestCase("/api/v1/torrents/0000000000000000000000000000000000000001/explain", 200)]
    [TestCase("/api/v1/torrents/0000000000000000000000000000000000000007/explain", 404)]
    [TestCase("/api/v1/torrents/x/explain", 404)]
    [TestCase("/api/v1/torrents/x/retry", 404)]
    [TestCase("/no/such", 404)]
    [HostCase(25)]
    public async Task Listener_OfThisMachine_AnswersGetAndHead(string path, int code)
    {
        await using var lab = new StatusLab();
        using var http = new HttpClient { BaseAddress = await lab.ListenAsync() };
        var got = await http.GetAsync(path);
        var head = await http.SendAsync(new HttpRequestMessage(HttpMethod.Head, path));
        Assert.That(((int)got.StatusCode, (int)head.StatusCode), Is.EqualTo((code, code)));
        Assert.That(await head.Content.ReadAsByteArrayAsync(), Is.Empty);
    }

    [Test]
    [HostCase(25)]
    [HostCase(40)]
    public async Task ControlSocket_IsItsOwnersAndTakesWhatChangesSomething()
    {
        using var folder = new TempDirectory();
        await using var lab = new StatusLab();
        var path = ControlSocket.Of(folder["state"]);
        await lab.ListenControlAsync(path);
        using var client = StatusClient.OverSocket(path);
        Assert.Multiple(async () =>
        {
            Assert.That(OperatingSystem.IsWindows() || File.GetUnixFileMode(path) == (UnixFileMode.UserRead | UnixFileMode.UserWrite), Is.True);
            Assert.That(StatusClient.Parse(await client.ReadAsync(default)).Name, Is.EqualTo("box"));
            Assert.That(await client.ProbeAsync("livez", default), Is.True);
            Assert.That(await PostAsync("api/v1/drain"), Is.EqualTo((202, """{"draining":true}""")));
            Assert.That(await PostAsync("api/v1/drain"), Is.EqualTo((409, """{"draining":false}""")));
            Assert.That(await PostAsync("api/v1/retry"), Is.EqualTo((200, """{"retried":1}""")));
            Assert.That(await PostAsync($"api/v1/torrents/{StatusLab.Id(1)}/retry"), Is.EqualTo((200, """{"retried":1}""")));
            Assert.That(await PostAsync($"api/v1/torrents/{StatusLab.Id(2)}/retry"), Is.EqualTo((404, """{"error":"unknown hash"}""")));
            Assert.That(await PostAsync("api/v1/torrents/zz/retry"), Is.EqualTo((404, """{"error":"unknown hash"}""")));
            Assert.That(await PostAsync($"api/v1/torrents/{StatusLab.Id(1)}/handoff"), Is.EqualTo((202, """{"handoff":true}""")));
            Assert.That(await PostAsync($"api/v1/torrents/{StatusLab.Id(2)}/handoff"), Is.EqualTo((404, """{"error":"unknown hash"}""")));
            Assert.That(await PostAsync($"api/v1/torrents/{StatusLab.Id(3)}/handoff"), Is.EqualTo((409, """{"error":"it has not seeded long enough"}""")));
            Assert.That(await PostAsync("api/v1/torrents/zz/handoff"), Is.EqualTo((404, """{"error":"unknown hash"}""")));
            Assert.That(await PostAsync("api/v1/reload"), Is.EqualTo((200, """{"errors":[],"taken":["rate-limit"],"needsRestart":["listen"]}""")));
            lab.Reload = new ReloadOutcome(["--sleep: no"], [], []);
            Assert.That(await PostAsync("api/v1/reload"), Is.EqualTo((422, """{"errors":["--sleep: no"],"taken":[],"needsRestart":[]}""")));
        });

        async Task<(int, string)> PostAsync(string what)
        {
            var (code, body) = await client.PostAsync(what, default);
            return ((int)code, System.Text.Encoding.UTF8.GetString(body));
        }
    }

    [Test]
    public async Task ControlSocket_OfAProcessThatIsGone_IsTakenAway_OfOneThatLives_IsLeft()
    {
        using var folder = new TempDirectory();
        var path = ControlSocket.Of(folder.Path);
        using (var dead = new System.Net.Sockets.Socket(System.Net.Sockets.AddressFamily.Unix, System.Net.Sockets.SocketType.Stream, System.Net.Sockets.ProtocolType.Unspecified))
        {
            // Bound and not listening, as what is left of a process that was killed.
            dead.Bind(new System.Net.Sockets.UnixDomainSocketEndPoint(path));
            await using var lab = new StatusLab();
            await lab.ListenControlAsync(path);
            using var client = StatusClient.OverSocket(path);
            Assert.That(await client.ProbeAsync("livez", default), Is.True);

            await using var second = new StatusLab();
            Assert.That(async () => await second.ListenControlAsync(path), Throws.InstanceOf<IOException>());
            Assert.That(await client.ProbeAsync("livez", default), Is.True, "the first goes on");
        }
    }

    [Test]
    public void ControlSocket_PathTooLong_IsSaid()
    {
        using var folder = new TempDirectory();
        using var client = StatusClient.OverSocket(folder[new string('x', 120), "control.sock"]);
        Assert.Multiple(() =>
        {
            Assert.That(async () => await ControlSocket.MakeRoomAsync(folder[new string('x', 120), "control.sock"], default), Throws.InstanceOf<IOException>());
            Assert.That(async () => await client.ReadAsync(default), Throws.InstanceOf<CommandFailure>());
        });
    }

    private static string Bearer(string token) => $"Bearer {token}";

    private static string Basic(string user, string password) => $"Basic {Convert.ToBase64String(System.Text.Encoding.UTF8.GetBytes($"{user}:{password}"))}";
}
