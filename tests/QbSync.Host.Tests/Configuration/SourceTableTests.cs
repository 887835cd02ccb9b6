using QbSync.Host.Configuration;
using QbSync.Testing.Specifications;

namespace QbSync.Host.Tests.Configuration;

/// <summary>Every option of the source: its default, its bounds, and what is told of a value outside of them.</summary>
[SourceCase(123)]
internal sealed class SourceTableTests
{
    private TempDirectory _folder = null!;

    [SetUp]
    public void SetUp() => _folder = new TempDirectory();

    [TearDown]
    public void TearDown() => _folder.Dispose();

    [TestCase("dry-run", "false")]
    [TestCase("min-space", "50GiB")]
    [TestCase("min-seeding-time", "1h")]
    [TestCase("sleep", "30s")]
    [TestCase("qb-poll-interval", "500ms")]
    [TestCase("rate-limit", "0")]
    [TestCase("bandwidth-schedule", "")]
    [TestCase("piece-timeout", "60s")]
    [TestCase("reconnect-max-delay", "30s")]
    [TestCase("num-senders", "4")]
    [TestCase("min-connections", "2")]
    [TestCase("max-connections", "8")]
    [TestCase("read-ahead", "64MiB")]
    [TestCase("open-files", "256")]
    [TestCase("max-active", "0")]
    [TestCase("order", "finish-first")]
    [TestCase("private-torrents", "sync")]
    [TestCase("synced-tag", "synced")]
    [TestCase("exclude-sync-tag", "")]
    [TestCase("exclude-cleanup-tag", "")]
    [TestCase("sync-failed-tag", "sync-failed")]
    [TestCase("source-removed-tag", "source-removed")]
    [TestCase("handoff", "pressure")]
    [TestCase("eviction", "density")]
    [TestCase("overlap", "0s")]
    [TestCase("delete-grace", "10m")]
    [TestCase("verify-announce", "true")]
    [TestCase("announce-timeout", "2m")]
    [TestCase("drain", "annotation")]
    [TestCase("drain-annotation", "qbsync/drain")]
    [TestCase("drain-timeout", "5m")]
    [TestCase("log-level", "info")]
    public void Default_OfEach_IsAsDocumented(string name, string expected)
    {
        var settings = Read(out var errors);
        Assert.That(errors, Is.Empty);
        Assert.That(settings!.Values.All.Single(value => value.Definition.Name == name).Raw, Is.EqualTo(expected));
    }

    [TestCase("sleep", "0")]
    [TestCase("sleep", "0s")]
    [TestCase("sleep", "-1")]
    [TestCase("sleep", "61m")]
    [TestCase("min-space", "-1")]
    [TestCase("min-space", "50 GB of it")]
    [TestCase("min-space", "99999999999999999999")]
    [TestCase("min-seeding-time", "-1s")]
    [TestCase("qb-poll-interval", "99ms")]
    [TestCase("rate-limit", "-1")]
    [TestCase("rate-limit", "1")]
    [TestCase("piece-timeout", "4")]
    [TestCase("piece-timeout", "-60")]
    [TestCase("reconnect-max-delay", "0")]
    [TestCase("num-senders", "0")]
    [TestCase("num-senders", "-4")]
    [TestCase("num-senders", "65")]
    [TestCase("num-senders", "4.5")]
    [TestCase("min-connections", "0")]
    [TestCase("max-connections", "33")]
    [TestCase("max-connections", "-8")]
    [TestCase("read-ahead", "1MiB")]
    [TestCase("open-files", "15")]
    [TestCase("overlap", "-1s")]
    [TestCase("delete-grace", "-1")]
    [TestCase("announce-timeout", "0")]
    [TestCase("drain-timeout", "-300")]
    [TestCase("handoff", "always")]
    [TestCase("eviction", "random")]
    [TestCase("drain", "true")]
    [TestCase("drain-annotation", "")]
    [TestCase("verify-announce", "yes")]
    [TestCase("dry-run", "maybe")]
    [TestCase("log-level", "loud")]
    [TestCase("destination-addr", "")]
    [TestCase("data", "")]
    public void Value_OutOfItsBounds_IsAnErrorThatNamesIt(string name, string value)
    {
        Assert.That(Read(out var errors, (name, value)), Is.Null);
        Assert.That(errors, Has.Some.StartsWith($"--{name} (from flag): "));
    }

    [Test]
    public void Connections_LeastAboveMost_IsAnErrorThatNamesThem()
    {
        Assert.That(Read(out var errors, ("min-connections", "9"), ("max-connections", "8")), Is.Null);
        Assert.That(errors, Has.One.Contains("connections"));
    }

    [TestCase("min-space", "20", 20L << 30)]
    [TestCase("min-space", "0", 0L)]
    [TestCase("rate-limit", "20MiB/s", 20L << 20)]
    [TestCase("read-ahead", "128", 128L << 20)]
    public void Bytes_InTheUnitsThatPeopleKnow_AreRead(string name, string value, long expected) =>
        Assert.That(Read(out _, (name, value))!.Values.Bytes(name), Is.EqualTo(expected));

    [TestCase("min-seeding-time", "3600", 3600)]
    [TestCase("sleep", "1", 1)]
    [TestCase("piece-timeout", "60", 60)]
    [TestCase("reconnect-max-delay", "1m30s", 90)]
    [TestCase("drain-timeout", "300", 300)]
    public void Durations_InTheUnitsThatPeopleKnow_AreRead(string name, string value, int seconds) =>
        Assert.That(Read(out _, (name, value))!.Values.Duration(name), Is.EqualTo(TimeSpan.FromSeconds(seconds)));

    [TestCase("synced-tag")]
    [TestCase("sync-failed-tag")]
    [TestCase("source-removed-tag")]
    [TestCase("exclude-sync-tag")]
    [TestCase("exclude-cleanup-tag")]
    public void Tag_EmptyByFlagOrVariable_StaysEmpty(string name)
    {
        Assert.That(Read(out var errors, (name, ""))!.Values.Text(name), Is.Empty);
        Assert.That(errors, Is.Empty);
        var variable = $"QBSYNC_SOURCE_{name.ToUpperInvariant().Replace('-', '_')}";
        var settings = RoleSettings.Read(Roles.Source, Flags(), Environment((variable, "")), out errors);
        Assert.That(errors, Is.Empty);
        Assert.That(settings!.Values.Text(name), Is.Empty);
    }

    [Test]
    public void Everything_ThatIsWrong_IsToldAtOnce()
    {
        Read(out var errors, ("sleep", "0"), ("num-senders", "-1"), ("handoff", "x"), ("overlap", "-1"));
        foreach (var name in (string[])["sleep", "num-senders", "handoff", "overlap"])
        {
            Assert.That(errors, Has.One.StartsWith($"--{name} (from flag): "));
        }
    }

    [Test]
    public void DryRun_BareFlagOrVariable_IsOn()
    {
        Assert.That(Read(out _)!.IsDryRun, Is.False);
        var settings = RoleSettings.Read(Roles.Source, Flags(), Environment(("QBSYNC_SOURCE_DRY_RUN", "true")), out _);
        Assert.That((settings!.IsDryRun, settings.Security.ReadOnly), Is.EqualTo((true, true)));
        var bare = Flags();
        bare["dry-run"] = [];
        Assert.That(RoleSettings.Read(Roles.Source, bare, Environment(), out _)!.IsDryRun, Is.True);
    }

    private RoleSettings? Read(out IReadOnlyList<string> errors, params (string Name, string Value)[] flags) =>
        RoleSettings.Read(Roles.Source, Flags(flags), Environment(), out errors);

    private Dictionary<string, IReadOnlyList<string>> Flags(params (string Name, string Value)[] flags)
    {
        var all = new Dictionary<string, IReadOnlyList<string>>
        {
            ["data"] = [_folder.Path],
            ["client"] = ["folder"],
            ["destination-addr"] = ["127.0.0.1:50051"],
            ["security"] = ["insecure"],
        };
        foreach (var (name, value) in flags)
        {
            all[name] = [value];
        }

        return all;
    }

    private Dictionary<string, string> Environment(params (string Name, string Value)[] variables)
    {
        var all = new Dictionary<string, string> { ["HOME"] = _folder.Path };
        foreach (var (name, value) in variables)
        {
            all[name] = value;
        }

        return all;
    }
}
