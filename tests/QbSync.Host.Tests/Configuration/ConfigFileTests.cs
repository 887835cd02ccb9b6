using QbSync.Host.Configuration;
using QbSync.Testing.Specifications;

namespace QbSync.Host.Tests.Configuration;

[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
internal sealed class ConfigFileTests : IDisposable
{
    private readonly TempDirectory _folder = new();

    public void Dispose() => _folder.Dispose();

    [Test]
    public void File_WithCommentsAndTrailingCommas_IsReadForTheRunningRoleAlone()
    {
        var settings = Read(
            $$"""
            {
              "$schema": "./config.schema.json",
              // A comment.
              "source": {
                "data": "{{_folder.Path}}", /* another */ "client": "folder", "destination-addr": "nas:50051",
                "sleep": 7, "rate-limit": 65536, "min-space": "1.5TiB", "verify-announce": false,
                "exclude-category": ["a;b", "c/*"], "synced-tag": "",
              },
              "destination": { "no-such-option": 1 },
            }
            """,
            out var errors);
        Assert.That(errors, Is.Empty);
        var values = settings!.Values;
        Assert.Multiple(() =>
        {
            Assert.That((values.Duration("sleep"), values.Bytes("rate-limit"), values.Bytes("min-space")), Is.EqualTo((TimeSpan.FromSeconds(7), 65536L, 3L << 39)));
            Assert.That((values.Flag("verify-announce"), values.Text("synced-tag")), Is.EqualTo((false, "")));
            Assert.That(values.List("exclude-category"), Is.EqualTo(new[] { "a;b", "c/*" }), "an array needs no separator");
        });
    }

    [Test]
    [HostCase(3)]
    public void File_ManyMistakes_AllReportedAtOnceWithTheirKeys()
    {
        var settings = Read(
            """
            {
              "source": {
                "sleep": 0, "min-connections": 9, "max-connections": 2, "max-active": -1, "log-level": "verbose", "rate-limt": 1, "read-ahead": true,
                "order": 5, "exclude-tag": "x", "include-tag": [1], "synced-tag": null, "sync-failed-tag": "a,b", "max-torrent-size": {}, "sleep": 1
              },
              "sauce": {}
            }
            """,
            out var errors,
            ("QBSYNC_SOURCE_SLEEPY", "1"));
        Assert.That(settings, Is.Null);
        Assert.That(
            errors.Select(error => error.Replace(_folder["qbsync.json"], "FILE", StringComparison.Ordinal)),
            Is.SupersetOf(new[]
            {
                "FILE:sauce: no such option. The closest is source.",
                "--sleep (from FILE:source.sleep): given more than once. Give it once.",
                "--sleep (from FILE:source.sleep): \"0\" is out of range. Use 1s to 1h.",
                "--max-active (from FILE:source.max-active): \"-1\" is out of range. Use 0 to 100000.",
                "--log-level (from FILE:source.log-level): \"verbose\" is not understood. Give one of: trace, debug, info, warn, warning, error.",
                "--read-ahead (from FILE:source.read-ahead): true is not understood. Give a size like 512KiB, 20MB or 50GiB.",
                "FILE:source.rate-limt: no such option. The closest is rate-limit.",
                "--min-connections (from FILE:source.min-connections): more than max-connections. Lower it, or raise max-connections.",
                "--data (from default): not set. Set the flag or QBSYNC_SOURCE_DATA.",
                "--qb-url (from default): not set. Give the address of qBittorrent's WebUI, or use --client folder.",
                "QBSYNC_SOURCE_SLEEPY: no such option. The closest is QBSYNC_SOURCE_SLEEP.",
            }));
        foreach (var key in (string[])["order", "exclude-tag", "include-tag", "synced-tag", "sync-failed-tag", "max-torrent-size"])
        {
            Assert.That(errors, Has.Some.StartsWith($"--{key} (from {_folder["qbsync.json"]}:source.{key})"));
        }
    }

    [TestCase("{ \"source\": ", "is no JSON: line 1")]
    [TestCase("[]", "not an object")]
    [TestCase("{ \"source\": 5 }", "not an object")]
    [TestCase("{ \"source\": {}, \"source\": {} }", "given more than once")]
    public void File_NotAConfiguration_SaysWhere(string text, string problem)
    {
        Read(text, out var errors);
        Assert.That(errors, Has.Some.StartsWith("--config (from ").And.Some.Contains(problem));
    }

    [Test]
    public void File_NamedAndNotThere_IsAnErrorAndOneThatNobodyNamedIsNot()
    {
        var errors = new OptionErrors();
        Assert.That(ConfigFile.Find(_folder["absent.json"], Home(), errors, _folder["system.json"]), Is.Null);
        Assert.That(ConfigFile.Find(null, new Dictionary<string, string> { ["QBSYNC_CONFIG"] = _folder["absent.json"] }, errors, _folder["system.json"]), Is.Null);
        Assert.That(errors.All, Is.EqualTo(new[]
        {
            $"--config (from flag): {_folder["absent.json"]} cannot be read. Name a file that this user can read.",
            $"--config (from QBSYNC_CONFIG): {_folder["absent.json"]} cannot be read. Name a file that this user can read.",
        }));
        errors = new OptionErrors();
        Assert.That(ConfigFile.Find(null, Home(), errors, _folder["system.json"]), Is.Null);
        Assert.That(errors.All, Is.Empty);
    }

    [Test]
    [HostCase(5)]
    public void Places_InTheirOrder_TheFirstThatIsThereCounts()
    {
        var (flag, named, user, system) = (_folder["flag.json"], _folder["named.json"], _folder["home", "qbsync", "qbsync.json"], _folder["system.json"]);
        _folder.CreateFolder("home", "qbsync");
        foreach (var file in (string[])[flag, named, user, system])
        {
            File.WriteAllText(file, "{}");
        }

        Dictionary<string, string> environment = new(Home()) { ["QBSYNC_CONFIG"] = named };
        Assert.That(Find(flag), Is.EqualTo(flag));
        Assert.That(Find(null), Is.EqualTo(named));
        environment["QBSYNC_CONFIG"] = "";
        Assert.That(Find(null), Is.EqualTo(user));
        File.Delete(user);
        Assert.That(Find(null), Is.EqualTo(system));

        string? Find(string? name) => ConfigFile.Find(name, environment, new OptionErrors(), system)?.Path;
    }

    [Test]
    public void TwoRoles_OnOneMachine_MustNotShareFoldersOrAddresses()
    {
        var inner = _folder.CreateFolder("inner");
        Read(
            $$"""
            {
              "source": { "data": "{{inner}}", "client": "folder", "destination-addr": "127.0.0.1:50051" },
              "destination": { "data": "{{_folder.Path}}" }
            }
            """,
            out var errors);
        Assert.That(errors, Has.Some.StartsWith("--data (from").And.Some.StartsWith("--health-addr (from default): the destination on this machine has the same port"));

        Read(
            $$"""
            {
              "source": { "data": "{{inner}}", "client": "folder", "destination-addr": "nas:50051" },
              "destination": { "data": "{{_folder.Path}}" }
            }
            """,
            out errors);
        Assert.That(errors, Is.Empty, "one file for two machines");
    }

    private Dictionary<string, string> Home() => new() { ["XDG_CONFIG_HOME"] = _folder["home"], ["HOME"] = _folder["nobody"] };

    private RoleSettings? Read(string text, out IReadOnlyList<string> errors, params (string Name, string Value)[] environment)
    {
        File.WriteAllText(_folder["qbsync.json"], text);
        Dictionary<string, string> variables = new(Home()) { ["XDG_STATE_HOME"] = _folder["state"] };
        foreach (var (name, value) in environment)
        {
            variables[name] = value;
        }

        var all = new OptionErrors();
        var settings = new SettingsSource(Roles.Source, new Dictionary<string, IReadOnlyList<string>>(), variables, _folder["qbsync.json"]).Read(all);
        errors = all.All;
        return settings;
    }
}
