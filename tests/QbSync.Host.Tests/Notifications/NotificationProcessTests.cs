using System.Text;
using QbSync.Host.Notifications;
using QbSync.Testing.Processes;
using QbSync.Testing.Specifications;

namespace QbSync.Host.Tests.Notifications;

/// <summary>The executable with a receiver and a hook.</summary>
[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
[System.Runtime.Versioning.UnsupportedOSPlatform("windows")]
internal sealed class NotificationProcessTests : IDisposable
{
    private const string Canary = "canary-9b0e51d7c24f66";
    private readonly TempDirectory _folder = new();

    public void Dispose() => _folder.Dispose();

    [Test]
    [HostCase(7)]
    [HostCase(42)]
    public async Task Destination_WithoutTheSpaceThatIsToBeFree_TellsBothAndShowsNoSecret()
    {
        await using var receiver = await LittleReceiver.StartAsync();
        var hook = Write("hook", $"#!/bin/sh\ncat > '{_folder["part"]}' && mv '{_folder["part"]}' '{_folder["told"]}'\n");
        File.SetUnixFileMode(hook, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        var config = Write(
            "qbsync.json",
            $$"""
            { "destination": {
                "data": "{{_folder.CreateFolder("data")}}", "client": "folder", "security": "insecure", "listen": "127.0.0.1:0", "health-addr": "", "log-level": "trace",
                "min-free": "100TiB", "webhook-secret-file": "{{Write("secret", Canary + "\n")}}",
                "webhooks": [ { "url": "{{new Uri(receiver.Address, "/" + Canary)}}" } ],
                "hooks": [ { "program": "{{hook}}", "events": ["space.low"] } ]
            } }
            """);
        await using var process = QbSyncProcess.Start(["destination", "--config", config]);
        await Eventually.BecomesTrueAsync(() => !receiver.Requests.IsEmpty && File.Exists(_folder["told"]));
        Assert.That(await process.TerminateAsync(), Is.Zero, process.Output);
        var request = receiver.Requests.Single();
        Assert.That(request.Path, Is.EqualTo("/" + Canary));
        Assert.That(request.Headers["X-QbSync-Signature"], Is.EqualTo(WebhookSigner.Sign(Canary, request.Headers["X-QbSync-Timestamp"], request.Body)));
        Assert.That(Encoding.UTF8.GetString(request.Body), Does.Contain("\"event\":\"space.low\"").And.EqualTo(await File.ReadAllTextAsync(_folder["told"])));
        Assert.That(process.Output, Does.Not.Contain(Canary));
    }

    private string Write(string name, string text)
    {
        File.WriteAllText(_folder[name], text);
        return _folder[name];
    }
}
