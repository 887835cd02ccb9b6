using System.Net;
using System.Net.Sockets;
using System.Text;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;
using QbSync.Engine.Status;
using QbSync.Host.Configuration;
using QbSync.Host.Lifetime;
using QbSync.Host.Logging;
using QbSync.Testing.Specifications;

namespace QbSync.Host.Tests.Lifetime;

/// <summary>A role from its start to its end, with work that a test writes.</summary>
[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
internal sealed class RoleLifeTests : IDisposable
{
    private static readonly HttpClient Http = new() { Timeout = Testing.Waiting.TaskExtensions.Timeout };
    private readonly TempDirectory _folder = new();
    private readonly StringWriter _output = new();
    private readonly LogLines _lines;
    private readonly ILoggerFactory _loggers;
    private readonly SettingsSource _source;
    private readonly RoleSettings _settings;

    public RoleLifeTests()
    {
        _lines = new LogLines(_output, LogFormat.Console, LogLevel.Information, new Redactor([]), TimeProvider.System);
        _loggers = LoggerFactory.Create(logging => logging.AddProvider(_lines));
        var flags = new Dictionary<string, IReadOnlyList<string>>
        {
            ["data"] = [_folder.CreateFolder("data")],
            ["client"] = ["folder"],
            ["state-dir"] = [_folder["state"]],
            ["security"] = ["insecure"],
            ["destination-addr"] = ["127.0.0.1:1"],
            ["health-addr"] = ["127.0.0.1:0"],
        };
        _source = new SettingsSource(Roles.Source, flags, new Dictionary<string, string>(), null);
        var errors = new OptionErrors();
        _settings = _source.Read(errors)!;
        Assert.That(errors.All, Is.Empty);
    }

    public void Dispose()
    {
        _loggers.Dispose();
        _lines.Dispose();
        _output.Dispose();
        _folder.Dispose();
    }

    [Test]
    [HostCase(18)]
    public async Task Work_ThatThrows_EndsTheRoleWith1()
    {
        var node = new ScriptedNode(_settings, _loggers, TimeProvider.System)
        {
            Work = static async (_, _) =>
            {
                await Task.Yield();
                throw new InvalidOperationException("a fault of ours");
            },
        };
        Assert.That(await RunAsync(node, new Dictionary<string, string>()).DefaultTimeout(), Is.EqualTo(1));
        Assert.That(_output.ToString(), Does.Contain("The source failed; its state is kept.").And.Contain("a fault of ours"));
        Assert.That(File.Exists(_folder["state", "control.sock"]), Is.False);
    }

    [Test]
    [HostCase(18)]
    public async Task Livez_OfALoopThatHangs_IsANoAfterFiveMinutesAndOfADependencyThatIsDeadNever()
    {
        var time = new FakeTimeProvider();
        await using var node = new ScriptedNode(_settings, _loggers, time);
        await node.StartAsync(CancellationToken.None);

        // Its loop beats for an hour, though neither client nor destination answers.
        for (var minute = 0; minute < 60; minute++)
        {
            node.Show(new EngineStatus { At = time.GetUtcNow(), IsStarted = true, ClientOk = false, PeerOk = false });
            time.Advance(TimeSpan.FromMinutes(1));
        }

        Assert.That(await GetAsync(node, "/livez"), Is.EqualTo(HttpStatusCode.OK));
        time.Advance(TimeSpan.FromMinutes(4));
        Assert.That(await GetAsync(node, "/livez"), Is.EqualTo(HttpStatusCode.ServiceUnavailable));
        Assert.That(await GetAsync(node, "/healthz"), Is.EqualTo(HttpStatusCode.OK));
        node.Show(new EngineStatus { At = time.GetUtcNow() });
        Assert.That(await GetAsync(node, "/livez"), Is.EqualTo(HttpStatusCode.OK));
    }

    /// <summary>Before the role itself hears of the stop, nobody is told any more that it is ready.</summary>
    [Test]
    public async Task Stop_IsKnownToWhatReportsBeforeTheWorkHearsOfIt()
    {
        (bool IsStopping, HttpStatusCode Ready) seen = default;
        await using var node = new ScriptedNode(_settings, _loggers, TimeProvider.System)
        {
            Work = async (self, stop) =>
            {
                var told = new TaskCompletionSource();
                await using var registration = stop.Register(() =>
                {
                    seen = (self.IsStopping, GetAsync(self, "/readyz").GetAwaiter().GetResult());
                    told.SetResult();
                });
                await told.Task;
            },
        };
        await node.StartAsync(CancellationToken.None);
        using var stop = new CancellationTokenSource();
        var running = node.RunAsync(stop.Token);
        Assert.That(await GetAsync(node, "/readyz"), Is.EqualTo(HttpStatusCode.OK));
        await stop.CancelAsync();
        await running.DefaultTimeout();
        Assert.That(seen, Is.EqualTo((true, HttpStatusCode.ServiceUnavailable)));
    }

    /// <summary>Whatever goes wrong in a reload, the supervisor hears of its end, who asked is told, and the next one is taken.</summary>
    [Test]
    public async Task Reload_ThatThrows_EndsForTheSupervisorAndIsNoEndOfTheRole()
    {
        using var supervisor = new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
        supervisor.Bind(new UnixDomainSocketEndPoint(_folder["notify"]));
        var applied = 0;
        var reloads = new ReloadRequests();
        var ends = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var node = new ScriptedNode(_settings, _loggers, TimeProvider.System)
        {
            Applies = () =>
            {
                if (++applied == 1)
                {
                    throw new InvalidOperationException("a fault of ours");
                }
            },
            Work = (_, _) => ends.Task,
        };
        var running = RunAsync(node, new Dictionary<string, string> { ["NOTIFY_SOCKET"] = _folder["notify"] }, reloads);
        Assert.That(await HearAsync(), Does.StartWith("READY=1"));
        foreach (var errors in (string[][])[["a fault of ours"], []])
        {
            var outcome = await reloads.AskAsync(CancellationToken.None).DefaultTimeout();
            Assert.That(outcome.Errors, Is.EqualTo(errors));
            Assert.That(await HearAsync(), Does.StartWith("RELOADING=1"));
            Assert.That(await HearAsync(), Is.EqualTo("READY=1"));
        }

        ends.SetResult();
        Assert.That(await running.DefaultTimeout(), Is.Zero);
        Assert.That(() => reloads.AskAsync(CancellationToken.None), Throws.InstanceOf<OperationCanceledException>(), "nobody takes any more");

        // What it says of itself in between is its own affair.
        async Task<string> HearAsync()
        {
            while (true)
            {
                var message = new byte[4096];
                var heard = Encoding.UTF8.GetString(message, 0, await supervisor.ReceiveAsync(message).DefaultTimeout());
                if (!heard.StartsWith("STATUS=", StringComparison.Ordinal))
                {
                    return heard;
                }
            }
        }
    }

    private async Task<int> RunAsync(ScriptedNode node, Dictionary<string, string> environment, ReloadRequests? reloads = null)
    {
        using var supervisor = SystemdNotifier.Create(environment, processId: 17);
        using var signals = new Signals();
        var reloader = new Reloader(node, _settings, _source, reloads ?? new ReloadRequests(), _lines, _loggers.CreateLogger<Reloader>());
        return await new RoleRunner(node, _settings, supervisor, reloader, _loggers).RunAsync(signals);
    }

    private static async Task<HttpStatusCode> GetAsync(ScriptedNode node, string path)
    {
        using var answer = await Http.GetAsync(new Uri(node.HealthAddress!, path));
        return answer.StatusCode;
    }
}
