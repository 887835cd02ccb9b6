using QbSync.Host.Configuration;
using QbSync.Testing.Specifications;

namespace QbSync.Host.Tests.Configuration;

/// <summary>A secret by every way in: found, shown to nobody, and refused when it is there twice at one level.</summary>
[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
internal sealed class SecretPlacesTests : IDisposable
{
    private const string Canary = "canary-7f3a";
    private readonly TempDirectory _folder = new();
    private readonly string _file;
    private readonly string _secrets;

    public SecretPlacesTests()
    {
        _file = Put(_folder["password"]);
        _secrets = _folder.CreateFolder("secrets");
    }

    public void Dispose() => _folder.Dispose();

    [TestCase("flag")]
    [TestCase("flag file")]
    [TestCase("variable")]
    [TestCase("variable file")]
    [TestCase("config")]
    [TestCase("config file")]
    [TestCase("folder")]
    [HostCase(7)]
    public void Secret_ByOneWay_IsFoundWithoutItsNewlineAndNotShown(string way)
    {
        var settings = Read(out var errors, way);
        Assert.That(errors, Is.Empty);
        Assert.That(settings!.Values.Secret("qb-password").Reveal(), Is.EqualTo(Canary));
        Assert.That(settings.SecretFiles.ContainsKey("qb-password"), Is.EqualTo(way.EndsWith("file", StringComparison.Ordinal) || way == "folder"));
        var printed = PrintedConfig.Format(settings);
        Assert.That(printed, Does.Match(@"(?m)^qb-password +\*\*\*  \(").And.Not.Contain(Canary));
        Assert.That($"{settings} {string.Join(' ', settings.Values.All)}", Does.Not.Contain(Canary));
    }

    [TestCase("flag", "flag file")]
    [TestCase("variable", "variable file")]
    [TestCase("config", "config file")]
    [TestCase("config", "folder")]
    [TestCase("config file", "folder")]
    [HostCase(7)]
    public void Secret_TwiceAtOneLevel_IsAnErrorThatDoesNotShowIt(string way, string other)
    {
        Read(out var errors, way, other);
        Assert.That(errors, Has.One.Items.And.One.StartsWith("--qb-password (from ").And.None.Contains(Canary));
    }

    [TestCase("flag", "variable file", "flag")]
    [TestCase("flag file", "variable", "--qb-password-file")]
    [TestCase("variable", "folder", "QBSYNC_SOURCE_QB_PASSWORD")]
    [TestCase("variable file", "config", "QBSYNC_SOURCE_QB_PASSWORD_FILE")]
    public void Secret_AtTwoLevels_IsThatOfTheHigher(string way, string lower, string origin)
    {
        var settings = Read(out var errors, way, lower);
        Assert.That(errors, Is.Empty);
        Assert.That(settings!.Values.GetOrigin("qb-password"), Is.EqualTo(origin));
    }

    [Test]
    public void SecretsFolder_NotThere_IsAnError()
    {
        Directory.Delete(_secrets);
        Read(out var errors, "flag");
        Assert.That(errors, Has.Some.EqualTo($"QBSYNC_SECRETS_DIR: {_secrets} is no folder. Mount it, or leave the variable out."));
    }

    [Test]
    public void Secret_FileVariableOfAnOptionThatIsNone_IsUnknown()
    {
        var errors = new OptionErrors();
        _ = new OptionReader(
            Roles.Source,
            new OptionSources(new Dictionary<string, IReadOnlyList<string>>(), new Dictionary<string, string> { ["QBSYNC_SOURCE_SLEEP_FILE"] = "/x" }),
            errors).Read();
        Assert.That(errors.All, Has.Some.StartsWith("QBSYNC_SOURCE_SLEEP_FILE: no such option."));
    }

    private static string Put(string path)
    {
        File.WriteAllText(path, Canary + "\n");
        return path;
    }

    private RoleSettings? Read(out IReadOnlyList<string> errors, params string[] ways)
    {
        Dictionary<string, IReadOnlyList<string>> flags = new()
        {
            ["data"] = [_folder.Path],
            ["destination-addr"] = ["nas:50051"],
            ["qb-url"] = ["http://127.0.0.1:1"],
            ["qb-username"] = ["me"],
            ["state-dir"] = [_folder["state"]],
        };
        Dictionary<string, string> environment = new() { ["QBSYNC_SECRETS_DIR"] = _secrets };
        List<string> config = [];
        foreach (var way in ways)
        {
            switch (way)
            {
                case "flag":
                    flags["qb-password"] = [Canary];
                    break;
                case "flag file":
                    flags["qb-password-file"] = [_file];
                    break;
                case "variable":
                    environment["QBSYNC_SOURCE_QB_PASSWORD"] = Canary;
                    break;
                case "variable file":
                    environment["QBSYNC_SOURCE_QB_PASSWORD_FILE"] = _file;
                    break;
                case "config":
                    config.Add($"\"qb-password\": \"{Canary}\"");
                    break;
                case "config file":
                    config.Add($"\"qb-password-file\": \"{_file}\"");
                    break;
                default:
                    Put(Path.Combine(_secrets, "qb-password"));
                    break;
            }
        }

        File.WriteAllText(_folder["qbsync.json"], $"{{ \"source\": {{ {string.Join(',', config)} }} }}");
        var all = new OptionErrors();
        var settings = new SettingsSource(Roles.Source, flags, environment, _folder["qbsync.json"]).Read(all);
        errors = all.All;
        return settings;
    }
}
