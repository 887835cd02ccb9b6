using Microsoft.Extensions.Time.Testing;
using QbSync.Engine.Shared;
using QbSync.Engine.Tests.Destination;
using QbSync.Engine.Tests.Destination.Kit;
using QbSync.Ports;
using QbSync.Testing.Waiting;

namespace QbSync.Engine.Tests.Shared;

public sealed class ReadBackTests
{
    private readonly FakeTimeProvider _time = new();
    private RigDisk _disk = null!;
    private ScriptedClient _client = null!;

    [SetUp]
    public void SetUp()
    {
        _disk = new RigDisk();
        _client = new ScriptedClient(_disk, _time);
        _client.Plant(DestinationSyncTests.Single.Manifest, "/data", ClientTorrentState.StalledUp, 1);
    }

    [TearDown]
    public void TearDown() => _disk.Dispose();

    [Test]
    public async Task Until_AChangeShows_EndsWithWhatWasSeen()
    {
        var readBack = new ReadBack(_client, _time);
        var id = _client.Only!.Id;
        var waiting = readBack.UntilAsync(id, static status => status!.State == ClientTorrentState.StoppedUp, TimeSpan.FromSeconds(30), default);
        await _client.StopAsync([id], false, default);
        var (held, seen) = await DriveAsync(waiting);
        Assert.That((held, seen!.State), Is.EqualTo((true, ClientTorrentState.StoppedUp)));
    }

    [Test]
    public async Task Until_TheBound_EndsWithWhatWasSeenLast()
    {
        var readBack = new ReadBack(_client, _time);
        var (held, seen) = await DriveAsync(readBack.UntilAsync(_client.Only!.Id, static _ => false, TimeSpan.FromSeconds(10), default));
        Assert.That((held, seen!.State), Is.EqualTo((false, ClientTorrentState.StalledUp)));
    }

    [Test]
    public async Task Until_TheClientIsDown_ThrowsAndTheNextCallWorks()
    {
        var readBack = new ReadBack(_client, _time);
        var id = _client.Only!.Id;
        _client.IsDown = true;
        var failing = readBack.UntilAsync(id, static _ => true, TimeSpan.FromSeconds(10), default);
        Assert.That(async () => await DriveAsync(failing), Throws.InstanceOf<TorrentClientException>());
        _client.IsDown = false;
        Assert.That((await DriveAsync(readBack.UntilAsync(id, static _ => true, TimeSpan.Zero, default))).Held, Is.True);
    }

    [Test]
    public async Task Until_ManyWait_AllAreServed()
    {
        var readBack = new ReadBack(_client, _time);
        var id = _client.Only!.Id;
        var all = Enumerable.Range(0, 200).Select(_ => readBack.UntilAsync(id, static _ => true, TimeSpan.FromSeconds(1), default)).ToArray();
        Assert.That((await DriveAsync(Task.WhenAll(all))).All(static one => one.Held), Is.True);
    }

    private async Task<T> DriveAsync<T>(Task<T> task)
    {
        await Eventually.BecomesTrueAsync(() =>
        {
            _time.Advance(TimeSpan.FromMilliseconds(50));
            return task.IsCompleted;
        });
        return await task;
    }
}
