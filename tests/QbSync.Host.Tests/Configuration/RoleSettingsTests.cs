using QbSync.Host.Configuration;

namespace QbSync.Host.Tests.Configuration;

internal sealed class RoleSettingsTests
{
    private TempDirectory _folder = null!;

    [SetUp]
    public void SetUp() => _folder = new TempDirectory();

    [TearDown]
    public void TearDown() => _folder.Dispose();

    [Test]
    public void Source_SeveralMistakes_AllReportedAtOnce()
    {
        var settings = Read(
            Roles.Source,
            ["log-level=verbose", "sleep=0"],
            new() { ["QBSYNC_SOURCE_NUM_SENDERS"] = "x", ["QBSYNC_SOURCE_SLEEPY"] = "1", ["QBSYNC_SOURCE_MIN_SPACE"] = "-3" },
            out var errors);

        Assert.That(settings, Is.Null);
        Assert.Multiple(() =>
        {
            Assert.That(errors, Has.Some.StartsWith("--data (from default): not set"));
            Assert.That(errors, Has.Some.StartsWith("--destination-addr (from default): not set"));
            Assert.That(errors, Has.Some.StartsWith("--qb-url (from default): not set"));
            Assert.That(errors, Has.Some.StartsWith("--log-level (from flag): \"verbose\" is not understood"));
            Assert.That(errors, Has.Some.StartsWith("--sleep (from flag): \"0\" is out of range"));
            Assert.That(errors, Has.Some.StartsWith("--num-senders (from QBSYNC_SOURCE_NUM_SENDERS): \"x\" is not understood"));
            Assert.That(errors, Has.Some.StartsWith("--min-space (from QBSYNC_SOURCE_MIN_SPACE)"));
            Assert.That(errors, Has.Some.EqualTo("QBSYNC_SOURCE_SLEEPY: no such option. The closest is QBSYNC_SOURCE_SLEEP."));
        });
    }

    [Test]
    public void Source_DataFolderMissing_SaysSoAndCreatesNothing()
    {
        var absent = _folder["absent"];
        Read(Roles.Source, [$"data={absent}", "client=folder", "destination-addr=127.0.0.1:1"], [], out var errors);
        Assert.That(errors, Is.EqualTo(new[] { $"--data (from flag): {absent} is not a folder. Create it, mount it, or name another." }));
        Assert.That(Directory.Exists(absent), Is.False);
    }

    [TestCase("1", ExpectedResult = false)]
    [TestCase("65535", ExpectedResult = false)]
    [TestCase("65536", ExpectedResult = true)]
    [TestCase("64KiB/s", ExpectedResult = true)]
    [TestCase("0", ExpectedResult = true)]
    public bool Source_RateLimit_IsNoneOrEnoughToAnswerAPieceInTime(string value)
    {
        var settings = Read(
            Roles.Source, [$"data={_folder.Path}", "client=folder", "destination-addr=127.0.0.1:1", $"rate-limit={value}"], [], out var errors);
        Assert.That(errors, settings is null ? Has.One.StartsWith("--rate-limit (from flag): below 64 KiB") : Is.Empty);
        return settings is not null;
    }

    [TestCase("mon-fri 08:00-18:00 5MiB/s; daily 22:00-06:00 0", null)]
    [TestCase("sat 00:00-24:00 100Mbit/s", null)]
    [TestCase("mon-fri 08:00 5MiB/s", "no time from one minute to another")]
    [TestCase("08:00-18:00 5MiB/s", "not three parts")]
    [TestCase("mon-day 08:00-18:00 5MiB/s", "names no days")]
    [TestCase("mon 08:00-08:00 5MiB/s", "no time from one minute to another")]
    [TestCase("mon 08:00-18:00 5", "no rate of 64KiB/s or more")]
    public void Source_BandwidthSchedule_IsReadOrItsEntryNamed(string value, string? problem)
    {
        Read(Roles.Source, [$"data={_folder.Path}", "client=folder", "destination-addr=127.0.0.1:1", $"bandwidth-schedule={value}"], [], out var errors);
        Assert.That(errors, problem is null ? Is.Empty : Has.One.StartsWith("--bandwidth-schedule (from flag): ").And.One.Contains(problem));
    }

    [Test]
    public void Value_FlagBeatsRoleVariableBeatsConventionalBeatsDefault()
    {
        var environment = new Dictionary<string, string> { ["HTTP_PORT"] = "9090" };
        string[] basics = [$"data={_folder.Path}", "listen=127.0.0.1:50051"];
        Assert.That(Health(basics), Is.EqualTo(("9090", "HTTP_PORT")));

        environment["QBSYNC_DESTINATION_HEALTH_ADDR"] = "127.0.0.1:9191";
        Assert.That(Health(basics), Is.EqualTo(("127.0.0.1:9191", "QBSYNC_DESTINATION_HEALTH_ADDR")));
        Assert.That(Health([.. basics, "health-addr=127.0.0.1:8080"]), Is.EqualTo(("127.0.0.1:8080", "flag")));

        environment.Clear();
        environment["HTTP_PORT"] = "";
        environment["HEALTH_PORT"] = "tcp://10.0.0.1:80";
        Assert.That(Health(basics), Is.EqualTo(("127.0.0.1:8080", "default")));

        (string, string) Health(string[] flags)
        {
            var settings = Read(Roles.Destination, flags, environment, out var errors);
            Assert.That(errors, Is.Empty);
            var value = settings!.Values.All.Single(option => option.Definition.Name == "health-addr");
            return (value.Raw, value.Origin);
        }
    }

    [Test]
    public void Tag_EmptyInEnvironment_IsOff()
    {
        var settings = Read(Roles.Destination, [$"data={_folder.Path}"], new() { ["QBSYNC_DESTINATION_SYNCED_TAG"] = "" }, out var errors);
        Assert.That(errors, Is.Empty);
        Assert.That(settings!.Values.Text("synced-tag"), Is.Empty);
    }

    [Test]
    public void ServiceLinks_OfAnOrchestrator_AreIgnored()
    {
        Read(
            Roles.Destination,
            [$"data={_folder.Path}"],
            new() { ["QBSYNC_DESTINATION_SERVICE_HOST"] = "10.0.0.1", ["QBSYNC_DESTINATION_PORT"] = "tcp://10.0.0.1:50051" },
            out var errors);
        Assert.That(errors, Is.Empty);
    }

    [Test]
    public void Secret_FromFile_IsReadWithoutItsNewlineAndNeverShown()
    {
        var file = _folder["password"];
        File.WriteAllText(file, "s3cret\n");
        var settings = Read(
            Roles.Destination, [$"data={_folder.Path}", "qb-url=http://127.0.0.1:1", "qb-username=admin", $"qb-password-file={file}"], [], out var errors);
        Assert.That(errors, Is.Empty);
        var value = settings!.Values.All.Single(option => option.Definition.Name == "qb-password");
        Assert.That((value.Raw, settings.Values.Secret("qb-password").Reveal()), Is.EqualTo(("***", "s3cret")));
        Assert.That(settings.OpenSecretFiles, Is.EqualTo(new[] { ("qb-password", file) }), "as it was made, others may read it");
        Assert.That($"{value} {settings} {System.Text.Json.JsonSerializer.Serialize(settings.Values.Secret("qb-password"))}", Does.Not.Contain("s3cret"));
    }

    [Test]
    public void Client_AllItsOptions_ReachItAndSecretFilesAreReadAnew()
    {
        var key = _folder["key"];
        File.WriteAllText(key, "qbt_first\n");
        var settings = Read(
            Roles.Source,
            [
                $"data={_folder.Path}", "destination-addr=127.0.0.1:1", "qb-url=https://nas.test/qb/", $"qb-api-key-file={key}",
                $"qb-tls-fingerprint={new string('a', 64)}", "qb-timeout=5s",
            ],
            [],
            out var errors);
        Assert.That(errors, Is.Empty);
        var options = ClientFactory.ReadOptions(() => settings!);
        Assert.That((options.ApiKey, options.TlsFingerprint, options.Timeout, options.Username), Is.EqualTo(("qbt_first", new string('a', 64), TimeSpan.FromSeconds(5), (string?)null)));
        File.WriteAllText(key, "qbt_second\n");
        Assert.That(options.Reread!().ApiKey, Is.EqualTo("qbt_second"));
    }

    [TestCase("qb-api-key=qbt_x,qb-username=admin,qb-password=p", "--qb-api-key (from flag): excludes qb-username")]
    [TestCase("qb-basic-auth=nobody", "--qb-basic-auth (from flag): must be user:password")]
    [TestCase("qb-url=https://h/,qb-ca-file=/nowhere/ca.pem", "--qb-ca-file (from flag): /nowhere/ca.pem cannot be used")]
    [TestCase("qb-url=https://h/,qb-tls-fingerprint=12ab", "--qb-tls-fingerprint (from flag): must be a SHA-256")]
    [TestCase("qb-url=http://h/,qb-tls-fingerprint=aa", "--qb-tls-fingerprint (from flag): qb-url is not https")]
    public void Client_OneMistake_NamesTheOptionAndShowsNoSecret(string flags, string expected)
    {
        Read(Roles.Destination, [$"data={_folder.Path}", .. flags.Split(',')], [], out var errors);
        Assert.That(errors, Has.Some.StartsWith(expected), string.Join(Environment.NewLine, errors));
        Assert.That(errors, Has.None.Contains("nobody").And.None.Contains("qbt_x"));
    }

    [TestCase("listen=nas:50051", "--listen (from flag): nas is no address")]
    [TestCase("qb-username=admin", "--qb-password (from default): not set")]
    [TestCase("qb-url=ftp://x", "--qb-url (from flag): \"ftp://x\" is not understood")]
    [TestCase("qb-url=http://user:word@x", "--qb-url (from flag)")]
    [TestCase("poll-interval=", "--poll-interval (from flag): empty")]
    public void Destination_OneMistake_NamesTheOption(string flag, string expected)
    {
        Read(Roles.Destination, [$"data={_folder.Path}", flag], [], out var errors);
        Assert.That(errors, Has.One.StartsWith(expected), string.Join(Environment.NewLine, errors));
    }

    [TestCase("path-map=/a")]
    [TestCase("path-map=/a=relative")]
    [TestCase("path-map=/a=/b;/a=/c")]
    public void Source_PathMapNotUnderstood_NamesTheOption(string flag)
    {
        Read(Roles.Source, [$"data={_folder.Path}", "client=folder", "destination-addr=127.0.0.1:1", flag], [], out var errors);
        Assert.That(errors, Has.One.StartsWith("--path-map"), string.Join(Environment.NewLine, errors));
    }


    [Test]
    public void StateDirectory_ByDefault_IsNeverBelowTheSourcesData()
    {
        var environment = new Dictionary<string, string> { ["XDG_STATE_HOME"] = "/state" };
        var source = Read(Roles.Source, [$"data={_folder.Path}", "client=folder", "destination-addr=127.0.0.1:1"], environment, out _);
        var destination = Read(Roles.Destination, [$"data={_folder.Path}"], environment, out _);
        Assert.That(source!.StateDirectory, Is.EqualTo("/state/qbsync/source"));
        Assert.That(destination!.StateDirectory, Is.EqualTo(_folder[".qbsync"]));
    }

    [Test]
    public void Catalog_EveryDefault_IsAValidValue()
    {
        foreach (var role in new[] { Roles.Source, Roles.Destination })
        {
            string[] flags = role == Roles.Source ? [$"data={_folder.Path}", "client=folder", "destination-addr=127.0.0.1:1"] : [$"data={_folder.Path}"];
            Read(role, flags, [], out var errors);
            Assert.That(errors, Is.Empty);
        }
    }

    [Test]
    public void Boolean_BareFlagOrWord_IsThatAndNothingElseIs()
    {
        var settings = RoleSettings.Read(
            Roles.Destination,
            new Dictionary<string, IReadOnlyList<string>> { ["data"] = [_folder.Path], ["hardlinks"] = [], ["reflinks"] = ["0"] },
            new Dictionary<string, string>(),
            out var errors);
        Assert.That(errors, Is.Empty);
        Assert.That((settings!.Values.Flag("hardlinks"), settings.Values.Flag("reflinks")), Is.EqualTo((true, false)));

        Read(Roles.Destination, [$"data={_folder.Path}", "hardlinks=yes", "read-back=disk"], [], out errors);
        Assert.That(errors, Has.Some.StartsWith("--hardlinks (from flag): \"yes\" is not understood"));
        Assert.That(errors, Has.Some.StartsWith("--read-back (from flag): \"disk\" is not understood. Give one of: cached, media."));
    }

    private static RoleSettings? Read(Roles role, string[] flags, Dictionary<string, string> environment, out IReadOnlyList<string> errors) =>
        RoleSettings.Read(
            role,
            flags.Select(flag => flag.Split('=', 2)).ToDictionary(pair => pair[0], IReadOnlyList<string> (pair) => [pair[1]]),
            environment,
            out errors);
}
