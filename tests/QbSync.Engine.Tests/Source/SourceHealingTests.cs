using QbSync.Engine.Tests.Source.World;
using QbSync.Pieces;
using QbSync.Ports;
using QbSync.Testing.Specifications;

namespace QbSync.Engine.Tests.Source;

[TestFixture]
[TransportCase(9)]
internal sealed class SourceHealingTests
{
    [Test]
    public async Task BitsLostWhileTheWatchWasCut_BitmapsAreAskedAtReopening()
    {
        await using var world = new SourceWorld();
        var torrent = await StreamHalfAsync(world);
        var held = world.Destination.Find(torrent.Torrent.Id)!;

        world.Destination.CutWatches(() =>
        {
            // Nobody tells; what is told when it opens again is a number alone.
            held.Have.Clear(1);
            held.Losses++;
        });
        await world.PassUntilAsync(() => held.Have[1]);
        Assert.That(world.Destination.Link!.SendsOf(1), Is.EqualTo(2));
        Assert.That(world.Destination.Link!.SendsOf(0), Is.EqualTo(1));
        await FinishAsync(world, torrent);
        Assert.That(world.Destination.Count("Finalize"), Is.EqualTo(1));
    }

    [Test]
    public async Task HaveChanged_OvertakenByAnAccepted_IsHealedOnce()
    {
        await using var world = new SourceWorld();
        var torrent = await StreamHalfAsync(world);
        var held = world.Destination.Find(torrent.Torrent.Id)!;
        var link = world.Destination.Link!;

        // Piece 5 is accepted, its answer is on the way; then it is lost, and the news of that is faster.
        link.HoldsAcks = true;
        world.Client.Change(() => torrent.Has.Set(5));
        await world.PassUntilAsync(() => link.Held == 1);
        held.Have.Clear(5);
        held.Losses++;
        world.Destination.Tell(new DestinationUpdate.HaveChanged(torrent.Torrent.Id, held.Epoch, held.Losses, held.Have.Clone(), new PieceBitmap(held.Have.Length)));
        var questions = world.Destination.Count("GetStatus");
        await world.PassAsync(TimeSpan.FromSeconds(3));
        Assert.That(world.Destination.Count("GetStatus"), Is.EqualTo(questions), "not before all that is in flight is answered");
        link.HoldsAcks = false;
        link.Release();
        await world.PassUntilAsync(() => held.Have[5]);
        await world.PassAsync(TimeSpan.FromSeconds(10));
        Assert.That(world.Destination.Count("GetStatus"), Is.EqualTo(questions + 1), "once");
        Assert.That(link.SendsOf(5), Is.EqualTo(2));
        await FinishAsync(world, torrent);
        Assert.That(world.Destination.Count("Finalize"), Is.EqualTo(1));
    }

    private static async Task<ScriptedTorrent> StreamHalfAsync(SourceWorld world)
    {
        var torrent = world.Client.Add(SourceWorld.Torrent("film", pieces: 10), complete: false);
        world.Client.Change(() =>
        {
            torrent.Has.Set(0);
            torrent.Has.Set(1);
        });
        world.Start();
        await world.PassUntilAsync(() => world.Progress(torrent.Torrent.Id)?.PiecesDone == 2);
        return torrent;
    }

    private static async Task FinishAsync(SourceWorld world, ScriptedTorrent torrent)
    {
        world.Client.Change(() => torrent.Has.SetAll());
        await world.PassUntilAsync(() => world.IsSynced(torrent));
    }
}
