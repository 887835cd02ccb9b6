using QbSync.Engine.Status;
using QbSync.Engine.Tests.Source.World;
using QbSync.Testing.Specifications;

namespace QbSync.Engine.Tests.Source;

/// <summary>A destination that is there and not trusted, or does not trust us: parked, said so, asked seldom, and at once when the peers change.</summary>
[TestFixture]
internal sealed class SourceTrustTests
{
    private const string Ids = "The destination at nas:50051 shows AAAAAAA, and BBBBBBB is pinned.";

    [Test]
    [TransportCase(44)]
    public async Task Peer_NotTrusted_IsParkedWithBothIdsAndKnockedAtSeldom()
    {
        await using var world = new SourceWorld();
        Untrust(world);
        var torrent = world.Client.Add(SourceWorld.Torrent("film"));
        world.Start();
        await world.PassAsync(TimeSpan.FromMinutes(31));

        Assert.That(world.Destination.Count("Hello"), Is.InRange(5, 8), "one each five minutes");
        Assert.That(world.Destination.Calls, Has.All.EqualTo("Hello"));
        Assert.That((world.Engine.Status.PeerOk, world.Engine.Status.Problem), Is.EqualTo(((bool?)false, Ids)));
        var progress = world.Progress(torrent.Torrent.Id)!;
        Assert.That((progress.WaitingFor, progress.Reason), Is.EqualTo((WaitingReason.Conflict, Ids)));
        Assert.That(world.Log.Entries.Where(entry => entry.Id.Name == "PeerParked").Select(entry => entry.Message), Has.One.Contains(Ids));
        Assert.That(await world.ScrapeAsync(), Does.Contain("qbsync_circuit_breaker_trips_total{mode=\"source\",component=\"stream_queue\"} 1"));
    }

    [Test]
    public async Task Peer_ParkedUntilTheTrustedPeersChange_IsAskedAtOnce()
    {
        await using var world = new SourceWorld();
        Untrust(world);
        var torrent = world.Client.Add(SourceWorld.Torrent("film"));
        world.Start();
        await world.PassUntilAsync(() => world.Engine.Status.PeerOk == false);

        world.Destination.SetDown(false);
        var settled = world.Time.GetUtcNow();
        world.Engine.TrustChanged();
        await world.PassUntilAsync(() => world.IsSynced(torrent));
        Assert.That(world.Time.GetUtcNow() - settled, Is.LessThan(TimeSpan.FromMinutes(4)), "not by the next knock");
        Assert.That(world.Engine.Status.Problem, Is.Empty);
    }

    [Test]
    public async Task Peer_ThatTakesUpTheChangeLaterThanWe_IsAskedAgainSoonAndThenSeldom()
    {
        await using var world = new SourceWorld();
        Untrust(world);
        world.Start();
        await world.PassUntilAsync(() => world.Engine.Status.PeerOk == false);
        var before = world.Destination.Count("Hello");
        world.Engine.TrustChanged();
        await world.PassUntilAsync(() => world.Destination.Count("Hello") == before + 1);
        var refused = world.Time.GetUtcNow();
        await world.PassUntilAsync(() => world.Destination.Count("Hello") == before + 2);
        Assert.That(world.Time.GetUtcNow() - refused, Is.LessThan(TimeSpan.FromMinutes(4)), "not by the knock of five minutes");

        await world.PassAsync(TimeSpan.FromHours(1));
        Assert.That(world.Destination.Count("Hello") - before, Is.InRange(10, 25), "1, 2, 4 s and so on up to five minutes");
    }

    [Test]
    public async Task Peer_ThatTrustsAgainWithoutAWord_IsFoundByTheNextKnock()
    {
        await using var world = new SourceWorld();
        Untrust(world);
        var torrent = world.Client.Add(SourceWorld.Torrent("film"));
        world.Start();
        await world.PassUntilAsync(() => world.Engine.Status.PeerOk == false);
        world.Destination.SetDown(false);
        await world.PassAsync(TimeSpan.FromMinutes(6));
        await world.PassUntilAsync(() => world.IsSynced(torrent));
    }

    [Test]
    public async Task Peer_RemovedInMidStream_IsParkedAndGoesOnWithoutSendingTwice()
    {
        await using var world = new SourceWorld();
        var torrent = world.Client.Add(SourceWorld.Torrent("film", pieces: 10), complete: false);
        world.Client.Change(() => torrent.Has.Set(0));
        world.Start();
        await world.PassUntilAsync(() => world.Progress(torrent.Torrent.Id)?.PiecesDone == 1);

        Untrust(world);
        world.Client.Change(() => torrent.Has.SetAll());
        await world.PassUntilAsync(() => world.Progress(torrent.Torrent.Id)!.WaitingFor == WaitingReason.Conflict);
        var hellos = world.Destination.Count("Hello");
        await world.PassAsync(TimeSpan.FromMinutes(16));
        Assert.That(world.Destination.Count("Hello") - hellos, Is.InRange(2, 5));

        world.Destination.SetDown(false);
        var settled = world.Time.GetUtcNow();
        world.Engine.TrustChanged();
        await world.PassUntilAsync(() => world.IsSynced(torrent));
        Assert.That(world.Time.GetUtcNow() - settled, Is.LessThan(TimeSpan.FromMinutes(4)), "not by a time of the torrent's own");
        Assert.That(world.Destination.Link!.Sends, Is.EqualTo(10));
        Assert.That(world.Log.Entries, Has.None.Property("Message").Contains("strike"));
    }

    private static void Untrust(SourceWorld world)
    {
        world.Destination.Fault = new PeerException(PeerFault.NotTrusted, Ids);
        world.Destination.SetDown(true);
    }
}
