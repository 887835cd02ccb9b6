using System.Text.Json;
using QbSync.Engine.Status;
using QbSync.Host.Configuration;
using QbSync.Host.Logging;
using QbSync.Testing.Specifications;

namespace QbSync.Host.Tests.Notifications;

/// <summary>Receivers as the configuration has them: all that is wrong at once, and nothing secret in any of it.</summary>
[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
[System.Runtime.Versioning.UnsupportedOSPlatform("windows")]
internal sealed class NotificationSettingsTests : IDisposable
{
    private const string Canary = "canary-4c1f8a7e22b0d9";
    private readonly TempDirectory _folder = new();
    private readonly string _key;

    public NotificationSettingsTests() => _key = Write("key", Canary + "\n");

    public void Dispose() => _folder.Dispose();

    [Test]
    public void Webhooks_OfEachSort_AreAsTheFileSays()
    {
        var settings = Read(
            Roles.Destination,
            $$"""
            "webhook-url": "https://all.test/{{Canary}}", "webhook-secret-file": "{{_key}}",
            "webhooks": [
              { "url": "http://a.test/" }, // comments are allowed
              { "name": "phone", "preset": "ntfy", "url-file": "{{Write("url", "https://ntfy.test/topic")}}", "events": ["space.*", "check.bad"], "category": ["tv", "film/*"], "key-file": "{{_key}}" },
              { "preset": "sonarr", "url": "http://sonarr.test:8989", "key-file": "{{_key}}" },
            ],
            "hooks": [ { "program": "/bin/sh", "args": ["-c", "a b"] } ]
            """,
            out var errors);
        Assert.That(errors, Is.Empty);
        var webhooks = settings!.Notifications.Webhooks;
        Assert.That(webhooks.Select(static one => one.Name), Is.EqualTo(new[] { "webhook-url", "webhook-1", "phone", "webhook-3" }));
        Assert.That(webhooks.Select(static one => one.Secret), Is.EqualTo(new[] { Canary, Canary, "", "" }));
        Assert.That(webhooks.Select(static one => one.Key), Is.EqualTo(new[] { "", "", Canary, Canary }));
        Assert.That(webhooks[2].Events, Is.EquivalentTo(new[] { EngineEventKind.SpaceLow, EngineEventKind.SpaceOk, EngineEventKind.CheckBad }));
        Assert.That(webhooks[2].Categories, Is.EqualTo(new[] { "tv", "film/*" }));
        Assert.That(webhooks[3].Events, Is.EqualTo(new[] { EngineEventKind.TorrentSynced }));
        Assert.That(settings.Notifications.Hooks.Single().Arguments, Is.EqualTo(new[] { "-c", "a b" }));
    }

    [Test]
    [HostCase(3)]
    public void Webhooks_WithEveryFault_AreAllToldAtOnceAndShowNoSecret()
    {
        Read(
            Roles.Source,
            $$"""
            "webhook-secret": "short",
            "webhooks": [
              { "url": "ftp://{{Canary}}" }, { "preset": "nfty", "url": "http://a.test/{{Canary}}" }, { "urll": "http://a.test/{{Canary}}" },
              { "url": "http://a.test/", "events": ["torrent.sinced"], "name": "No Name" }, { "url": "http://u:{{Canary}}@a.test/" },
              { "url": "http://a.test/", "category": "tv", "secret-file": "/nowhere" }, { "preset": "radarr", "url": "http://a.test/" },
              { "preset": "ntfy", "url": "http://a.test" }, { "url": "http://a.test/", "url-file": "{{_key}}" }, { "preset": "discord", "url": "http://a.test/", "key-file": "{{_key}}" },
            ],
            "hooks": [ { "program": "sh" }, { "program": "{{_key}}", "name": "hook-1" }, { "args": [1] } ]
            """,
            out var errors);
        string[] places =
        [
            "--webhook-secret (from FILE:source.webhook-secret): too short.",
            "--webhooks (from FILE:source.webhooks[0].url): no address.",
            "--webhooks (from FILE:source.webhooks[1].preset): \"nfty\" is not known. The closest is ntfy.",
            "--webhooks (from FILE:source.webhooks[2].urll): no such key. The closest is url.",
            "--webhooks (from FILE:source.webhooks[2].url): not set.",
            "--webhooks (from FILE:source.webhooks[3].events): \"torrent.sinced\" is not known. The closest is torrent.synced.",
            "--webhooks (from FILE:source.webhooks[3].name): not a name.",
            "--webhooks (from FILE:source.webhooks[4].url): no address.",
            "--webhooks (from FILE:source.webhooks[5].category): not an array of texts.",
            "--webhooks (from FILE:source.webhooks[5].secret-file): /nowhere cannot be read.",
            "--webhooks (from FILE:source.webhooks[6].preset): radarr imports what is at a destination.",
            "--webhooks (from FILE:source.webhooks[6].key-file): not set.",
            "--webhooks (from FILE:source.webhooks[7].url): no topic in it.",
            "--webhooks (from FILE:source.webhooks[8].url): set by url and by url-file.",
            "--webhooks (from FILE:source.webhooks[9].key-file): discord has no key.",
            "--hooks (from FILE:source.hooks[0].program): \"sh\" is no full path.",
            $"--hooks (from FILE:source.hooks[1].program): \"{_key}\" is no file that can be run.",
            "--hooks (from FILE:source.hooks[1].name): hook-1 is there already.",
            "--hooks (from FILE:source.hooks[2].args): not an array of texts.",
            "--hooks (from FILE:source.hooks[2].program): not set.",
        ];
        var told = errors.Select(error => error.Replace(_folder["qbsync.json"], "FILE", StringComparison.Ordinal)).ToArray();
        Assert.That(places.Where(place => !told.Any(error => error.StartsWith(place, StringComparison.Ordinal))), Is.Empty, string.Join('\n', told));
        Assert.That(told, Has.Length.EqualTo(places.Length), string.Join('\n', told));
        Assert.That(told, Has.None.Contains(Canary));
    }

    [TestCase("\"webhooks\": {}")]
    [TestCase("\"webhooks\": [\"https://a.test/canary-4c1f8a7e22b0d9\"]")]
    [TestCase("\"webhook-url\": \"canary-4c1f8a7e22b0d9\"")]
    [TestCase("\"hooks\": \"@/nowhere/canary-4c1f8a7e22b0d9\"")]
    public void Option_OfAnotherShape_IsOneErrorThatDoesNotShowIt(string json)
    {
        Read(Roles.Source, json, out var errors);
        Assert.That(errors, Has.One.Items.And.None.Contains(Canary));
        Assert.That(errors[0], Does.Contain("not understood"));
    }

    [Test]
    [HostCase(7)]
    public void Secrets_OfWebhooks_AreInNoPrintedConfigurationAndNoLogLine()
    {
        var settings = Read(
            Roles.Destination,
            $$"""
            "webhook-url": "https://all.test/{{Canary}}",
            "webhooks": [ { "preset": "ntfy", "url": "https://ntfy.test/short", "key-file": "{{_key}}" } ]
            """,
            out var errors);
        Assert.That(errors, Is.Empty);
        Assert.That(PrintedConfig.Format(settings!), Does.Not.Contain(Canary).And.Not.Contain("ntfy.test"));
        Assert.That($"{settings} {string.Join(' ', settings!.Notifications.Webhooks)} {string.Join(' ', settings.Values.All)}", Does.Not.Contain(Canary));
        var redactor = new Redactor(settings.Secrets);
        Assert.That(redactor.Redact($"Refused by https://all.test/{Canary} ({Canary}), https://ntfy.test/short"), Does.Not.Contain(Canary).And.Not.Contain("/short"));
        Assert.That(redactor.Redact("/srv/short/file"), Is.EqualTo("/srv/short/file"), "a short path is a word like others");
    }

    [Test]
    public void Webhooks_OfADryRun_AreToldNothing()
    {
        var settings = Read(Roles.Source, "\"dry-run\": true, \"webhook-url\": \"http://a.test/x\"", out var errors);
        Assert.That(errors, Is.Empty);
        Assert.That(settings!.Notifications.Webhooks, Has.Count.EqualTo(1));
        Assert.That(settings.ActiveNotifications.Webhooks, Is.Empty);
    }

    private string Write(string name, string text)
    {
        File.WriteAllText(_folder[name], text);
        return _folder[name];
    }

    private RoleSettings? Read(Roles role, string json, out IReadOnlyList<string> all)
    {
        var data = _folder.CreateFolder("data");
        var basics = $"\"data\": {JsonSerializer.Serialize(data)}, \"client\": \"folder\", \"security\": \"insecure\", "
            + (role == Roles.Source ? $"\"destination-addr\": \"127.0.0.1:1\", \"state-dir\": {JsonSerializer.Serialize(_folder["state"])}, " : "\"listen\": \"127.0.0.1:50051\", ");
        var errors = new OptionErrors();
        var file = ConfigFile.Find(Write("qbsync.json", $"{{ \"{role.ToString().ToLowerInvariant()}\": {{ {basics}{json} }} }}"), new Dictionary<string, string>(), errors);
        var settings = RoleSettings.Read(role, new OptionSources(new Dictionary<string, IReadOnlyList<string>>(), new Dictionary<string, string>(), file), errors);
        all = errors.All;
        return settings;
    }
}
