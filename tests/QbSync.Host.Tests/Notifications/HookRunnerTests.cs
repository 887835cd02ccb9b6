using Microsoft.Extensions.Time.Testing;
using QbSync.Engine.Status;
using QbSync.Host.Notifications;

namespace QbSync.Host.Tests.Notifications;

/// <summary>Real programs; the clock is virtual, and moves only where a test is about it.</summary>
[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
[System.Runtime.Versioning.UnsupportedOSPlatform("windows")]
internal sealed class HookRunnerTests : IDisposable
{
    private readonly TempDirectory _folder = new();
    private readonly FakeTimeProvider _time = new();

    public void Dispose() => _folder.Dispose();

    [Test]
    public async Task Run_OfAProgram_GivesItTheDocumentItsArgumentsAndNothingOfOurEnvironment()
    {
        var outcome = await RunAsync("cat; echo; echo \"[$1][$2]\"; env", "a b; exit 9", "$HOME");
        Assert.That((outcome.IsGood, outcome.Problem), Is.EqualTo((true, "")));
        var lines = outcome.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.That(lines[0], Is.EqualTo(System.Text.Encoding.UTF8.GetString(NotificationJson.Make(Told.Of(EngineEventKind.SpaceLow)))));
        Assert.That(lines[1], Is.EqualTo("[a b; exit 9][$HOME]"), "no shell reads them");
        Assert.That(
            lines.Skip(2).Select(static line => line.Split('=')[0]).Except(["PWD", "OLDPWD", "SHLVL", "_"]), Is.EquivalentTo(new[] { "PATH", "LANG", "QBSYNC_EVENT" }));
    }

    [Test]
    public async Task Run_ThatEndsBadly_SaysItsCodeAndWhatItWrote()
    {
        var outcome = await RunAsync("echo trouble >&2; exit 3");
        Assert.That(outcome, Is.EqualTo(new HookOutcome(false, "it ended with code 3", "trouble\n")));
    }

    [Test]
    public async Task Run_ThatWritesVeryMuchAndReadsNothing_IsCutAndEndsByItself()
    {
        var outcome = await RunAsync("exec <&-; head -c 1000000 /dev/zero | tr '\\0' x; head -c 1000000 /dev/zero | tr '\\0' y >&2");
        Assert.That(outcome.IsGood, outcome.Problem);
        Assert.That(outcome.Output, Has.Length.EqualTo(HookRunner.MostOutput));
    }

    [Test]
    public async Task Run_OfNoProgram_SaysWhy()
    {
        var outcome = await new HookRunner(_time).RunAsync(MakeHook("/nowhere/hook"), Told.Of(EngineEventKind.SpaceLow), CancellationToken.None).DefaultTimeout();
        Assert.That(outcome.IsGood, Is.False);
        Assert.That(outcome.Problem, Does.StartWith("it could not be started: "));
    }

    [Test]
    public async Task Run_ThatTakesTooLong_IsEndedWithAllThatItStarted()
    {
        var running = RunAsync("sleep 100000 & sleep 100000");
        await Eventually.BecomesTrueAsync(() =>
        {
            _time.Advance(HookRunner.Patience);
            return running.IsCompleted;
        });
        var outcome = await running;
        Assert.That((outcome.IsGood, outcome.Problem), Is.EqualTo((false, "it took more than 60 s and was ended")));
    }

    [Test]
    public async Task Run_ThatIsCancelled_IsEnded()
    {
        using var stop = new CancellationTokenSource();
        var running = RunAsync("echo > begun; exec sleep 100000", stop.Token);
        await Eventually.BecomesTrueAsync(() => File.Exists(_folder["begun"]));
        await stop.CancelAsync();
        Assert.That(async () => await running, Throws.InstanceOf<OperationCanceledException>());
    }

    private Task<HookOutcome> RunAsync(string script, params string[] arguments) => RunAsync(script, CancellationToken.None, arguments);

    private Task<HookOutcome> RunAsync(string script, CancellationToken stop, params string[] arguments)
    {
        File.WriteAllText(_folder["hook"], $"cd '{_folder.Path}'\n{script}\n");
        return new HookRunner(_time).RunAsync(MakeHook("/bin/sh", [_folder["hook"], .. arguments]), Told.Of(EngineEventKind.SpaceLow), stop).DefaultTimeout();
    }

    private static Hook MakeHook(string program, params string[] arguments) => new("h", [.. Enum.GetValues<EngineEventKind>()], [], program, arguments);
}
