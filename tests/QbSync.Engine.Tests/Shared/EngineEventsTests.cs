using QbSync.Engine.Status;
using QbSync.Engine.Tests.Destination.Kit;
using QbSync.Engine.Tests.Source.World;
using QbSync.Ports;
using QbSync.Testing.Torrents;

namespace QbSync.Engine.Tests.Shared;

/// <summary>What engines say of what happens, by what happens.</summary>
internal sealed class EngineEventsTests
{
    private const int ListenerFails = 4066;
    private const int Unexpected = 4055;

    /// <summary>Minutes pass.</summary>
    private static readonly TimeSpan Coarse = TimeSpan.FromSeconds(1);

    [Test]
    public async Task Source_OneSyncedAndOneFailed_SaysBothWithWhatTheyAre()
    {
        await using var world = new SourceWorld();
        world.Log.Expect(Unexpected);
        var good = world.Client.Add(SourceWorld.Torrent("good"));
        var bad = world.Client.Add(SourceWorld.Torrent("bad", seed: 2));
        world.ClientTap = (method, args) =>
        {
            if (method == nameof(ITorrentClient.GetFilesAsync) && args[0] is ClientTorrentId id && id == bad.Id)
            {
                throw new InvalidOperationException("No code expects this.");
            }
        };
        world.Start();
        await world.PassUntilAsync(() => world.Events.Count == 2, Coarse);
        var synced = world.Events.Single(static told => told.Kind == EngineEventKind.TorrentSynced).Torrent!;
        var failed = world.Events.Single(static told => told.Kind == EngineEventKind.TorrentFailed);
        Assert.That((synced.Id, synced.Name, synced.Bytes), Is.EqualTo((good.Torrent.Id, "good", (8 * 16384L) - 5)));
        Assert.That((failed.Torrent!.Id, failed.Torrent.Name), Is.EqualTo((bad.Torrent.Id, "bad")));
        Assert.That(failed.Reason, Does.Contain("internal"));
    }

    [Test]
    public async Task Source_ListenerThatThrows_HarmsNothing()
    {
        await using var world = new SourceWorld();
        world.Log.Expect(ListenerFails);
        var torrent = world.Client.Add(SourceWorld.Torrent("film"));
        world.Start();
        world.Engine.Happened += static _ => throw new InvalidOperationException("A listener's own fault.");
        world.Destination.SetDown(true);
        await world.PassUntilAsync(() => world.Events.Any(static told => told.Kind == EngineEventKind.PeerLost), Coarse);
        world.Destination.SetDown(false);
        await world.PassUntilAsync(() => world.IsSynced(torrent), Coarse);
    }

    [Test]
    public async Task Source_DestinationAwayForLong_SaysThatItIsLostAndThenThatItIsBack()
    {
        await using var world = new SourceWorld();
        var torrent = world.Client.Add(SourceWorld.Torrent("film"));
        world.Start();
        await world.PassUntilAsync(() => world.IsSynced(torrent));
        world.Destination.SetDown(true);
        await world.PassUntilAsync(() => world.Events.Any(static told => told.Kind == EngineEventKind.PeerLost), Coarse);
        world.Destination.SetDown(false);
        await world.PassUntilAsync(() => world.Events.Any(static told => told.Kind == EngineEventKind.PeerBack), Coarse);
        Assert.That(
            world.Events.Select(static told => told.Kind), Is.EqualTo(new[] { EngineEventKind.TorrentSynced, EngineEventKind.PeerLost, EngineEventKind.PeerBack }));
        Assert.That(world.Events.Last().At - world.Events.First().At, Is.GreaterThanOrEqualTo(TimeSpan.FromMinutes(10)));
    }

    [Test]
    public async Task Source_Drain_SaysBeginHandoffAndEndInThisOrder()
    {
        await using var world = new SourceWorld();
        world.Options.Handoff.Mode = HandoffMode.Never;
        world.Options.Handoff.VerifyAnnounce = false;
        world.Options.Handoff.DeleteGrace = TimeSpan.Zero;
        world.Options.CallTimeout = TimeSpan.FromSeconds(10);
        var built = SourceWorld.Torrent("film");
        world.Disk.Put("/data/film", device: 1, built.Manifest.ContentLength);
        var torrent = world.Client.Add(built);
        world.Client.Change(() => torrent.Tags.Add("mine"));
        world.Start();
        await world.PassUntilAsync(() => world.IsSynced(torrent));
        var report = await world.PassUntilEndedAsync(world.DrainAsync());
        Assert.That(report!.HandedOff, Is.EqualTo(1));
        Assert.That(
            world.Events.Select(static told => told.Kind),
            Is.EqualTo(new[] { EngineEventKind.TorrentSynced, EngineEventKind.DrainStarted, EngineEventKind.TorrentHandedOff, EngineEventKind.DrainEnded }));
        Assert.That(world.Events.Single(static told => told.Kind == EngineEventKind.TorrentHandedOff).Torrent!.Tags, Does.Contain("mine"), "also of what is gone");
    }

    [Test]
    public async Task Source_ShortOfSpace_SaysSoOnceAndThatThereIsEnoughOnce()
    {
        await using var world = new SourceWorld();
        world.Options.MinSpace = 100 << 20;
        var free = 50L << 20;
        world.Disk.GetSpace = _ => new LocalFileSystem(1, Volatile.Read(ref free), 1L << 40);
        world.Client.Add(SourceWorld.Torrent("film"));
        world.Start();
        await world.PassUntilAsync(() => world.Events.Any(static told => told.Kind == EngineEventKind.SpaceLow), Coarse);
        Volatile.Write(ref free, 105L << 20);
        await world.PassAsync(TimeSpan.FromMinutes(5));
        Assert.That(world.Events.Count(static told => told.Kind == EngineEventKind.SpaceOk), Is.Zero, "it would be short again at once");
        Volatile.Write(ref free, 111L << 20);
        await world.PassUntilAsync(() => world.Events.Any(static told => told.Kind == EngineEventKind.SpaceOk), Coarse);
        await world.PassAsync(TimeSpan.FromMinutes(5));
        Assert.That(world.Events.Count(static told => told.Kind is EngineEventKind.SpaceLow or EngineEventKind.SpaceOk), Is.EqualTo(2));
    }

    [Test]
    public async Task Destination_FullAndWithRoomAgain_SaysBoth()
    {
        await using var rig = new DestinationRig();
        await rig.RecoveredAsync();
        rig.Disk.FreeBytes = 0;
        await rig.DriveAsync(() => rig.Events.Any(static told => told.Kind == EngineEventKind.SpaceLow));
        rig.Disk.FreeBytes = 1L << 40;
        await rig.DriveAsync(() => rig.Events.Any(static told => told.Kind == EngineEventKind.SpaceOk));
        Assert.That(rig.Events, Has.Count.EqualTo(2));
    }

    [Test]
    public async Task Destination_Synced_SaysWhereTheClientHasIt()
    {
        await using var rig = new DestinationRig();
        var torrent = new TorrentBuilder("film") { Length = 100_000 }.Build();
        var init = DestinationRig.MakeInit(torrent);
        await rig.SyncAsync(torrent, init);
        await rig.DriveAsync(() => !rig.Events.IsEmpty);
        var told = rig.Events.Single();
        Assert.That((told.Kind, told.Torrent!.Id, told.Torrent.Bytes), Is.EqualTo((EngineEventKind.TorrentSynced, torrent.Id, 100_000L)));
        Assert.That(told.Torrent.Path, Does.StartWith("/data/").And.EndsWith("film"));
    }
}
