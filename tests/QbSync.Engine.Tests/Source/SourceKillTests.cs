using QbSync.Engine.Tests.Source.World;
using QbSync.Ports;
using QbSync.Testing.Specifications;

namespace QbSync.Engine.Tests.Source;

/// <summary>The process is killed at every change of a state and after every write of a record, one after the other.</summary>
[TestFixture]
[SourceCase(86)]
internal sealed class SourceKillTests
{
    private const int MostMoments = 40;

    [Test]
    public async Task Sync_KilledAtEveryMoment_EndsTheSameAndSendsNothingThatIsThere()
    {
        var moments = 0;
        for (var isOver = false; !isOver; moments++)
        {
            Assert.That(moments, Is.LessThan(MostMoments));
            await using var world = new SourceWorld();
            var torrent = world.Client.Add(SourceWorld.Torrent("film"));
            var killed = world.StartUntil(moments + 1);
            await world.PassUntilAsync(() => killed.IsCompleted || torrent.Tags.Contains("synced"));
            isOver = !killed.IsCompleted;
            await world.BuryAsync();
            var held = world.Destination.Find(torrent.Torrent.Id)?.Have.Count ?? 0;

            world.Start();
            await world.PassUntilAsync(() => world.IsSynced(torrent) && torrent.Tags.Contains("synced"));

            Assert.That(world.Destination.Find(torrent.Torrent.Id)!.State, Is.EqualTo(DestinationTorrentState.Complete), $"moment {moments}");
            Assert.That(world.Destination.Link!.Sends, Is.EqualTo(8 - held), $"moment {moments}: only what lacks is sent");
            Assert.That(world.Log.Entries.Any(static entry => entry.Id.Name == "Strike"), Is.False, $"moment {moments}");
        }

        Assert.That(moments, Is.GreaterThan(6), "the states of a sync and their records");
    }

    [Test]
    public async Task RemovalAndExclusion_KilledAtEveryMoment_EndTheSame([Values] bool isRemoved)
    {
        var moments = 0;
        for (var isOver = false; !isOver; moments++)
        {
            Assert.That(moments, Is.LessThan(MostMoments));
            await using var world = new SourceWorld();
            var torrent = world.Client.Add(SourceWorld.Torrent("film"), complete: false);
            world.Client.Change(() => torrent.Has.Set(0));
            for (var i = 2; i < 5; i++)
            {
                // A list that comes up empty is not believed.
                world.Client.Add(SourceWorld.Torrent($"other {i}", seed: i)).Tags.Add("no-sync");
            }

            world.Start();
            await world.PassUntilAsync(() => world.Progress(torrent.Torrent.Id)?.PiecesDone == 1);
            await world.StopAsync();

            // What one process knew and the next has to go on with.
            var killed = world.StartUntil(moments + 1);
            await world.PassUntilAsync(() => killed.IsCompleted || world.Progress(torrent.Torrent.Id)?.PiecesDone == 1);
            if (isRemoved)
            {
                world.Client.Remove(torrent);
            }
            else
            {
                world.Client.Change(() => torrent.Tags.Add("no-sync"));
            }

            await world.PassUntilAsync(() => killed.IsCompleted || world.Destination.Find(torrent.Torrent.Id) is null, TimeSpan.FromMilliseconds(250));
            if (!killed.IsCompleted)
            {
                await world.PassAsync(TimeSpan.FromSeconds(2), TimeSpan.FromMilliseconds(250));
            }

            isOver = !killed.IsCompleted;
            await world.BuryAsync();
            world.Start();
            await world.PassUntilAsync(
                () => world.Destination.Find(torrent.Torrent.Id) is null
                    && world.StateOf(torrent.Torrent.Id) == (isRemoved ? "" : "Excluded") && world.Engine.Status.IsStarted,
                TimeSpan.FromMilliseconds(500));
            Assert.That(world.Destination.Link?.Sends ?? 0, Is.Zero, $"moment {moments}");
        }

        Assert.That(moments, Is.GreaterThan(2));
    }
}
