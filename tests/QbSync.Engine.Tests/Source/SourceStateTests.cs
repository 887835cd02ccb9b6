using Microsoft.Extensions.Logging;
using QbSync.Engine.Tests.Source.World;
using QbSync.Outcomes;
using QbSync.Pieces;
using QbSync.Ports;
using QbSync.Testing.Specifications;

namespace QbSync.Engine.Tests.Source;

/// <summary>What the destination has already, who waits for whom, and what is done with answers that cannot be.</summary>
[TestFixture]
internal sealed class SourceStateTests
{
    [TestCase(DestinationTorrentState.Complete)]
    [TestCase(DestinationTorrentState.HandedOff)]
    [SourceCase(2)]
    public async Task Downloading_WhatIsCompleteThere_IsAdoptedByOneQuestion(DestinationTorrentState there)
    {
        await using var world = new SourceWorld();
        var torrent = await SyncAndForgetAsync(world);
        torrent.Has.Clear(0);
        world.Destination.Find(torrent.Torrent.Id)!.State = there;
        world.Options.Sleep = TimeSpan.FromHours(1);
        var (questions, inits) = (world.Destination.Count("GetStatus"), world.Destination.Count("Init"));
        world.Start();
        await world.PassUntilAsync(() => world.IsSynced(torrent));
        var polls = world.Client.Polls;
        await world.PassUntilAsync(() => world.Client.Polls >= polls + 100);

        Assert.That(world.Destination.Count("GetStatus"), Is.EqualTo(questions + 1));
        Assert.That(world.Destination.Count("Init"), Is.EqualTo(inits));
        Assert.That(world.Destination.Link!.Sends, Is.Zero);
        Assert.That(world.IsSynced(torrent), Is.True);
    }

    [TestCase("GetStatus")]
    [TestCase("Init")]
    [TestCase("nack")]
    [SourceCase(3)]
    public async Task Finalizing_ToldByTheDestination_IsAttachedTo(string how)
    {
        await using var world = new SourceWorld();
        var torrent = await SyncAndForgetAsync(world);
        var held = world.Destination.Find(torrent.Torrent.Id)!;
        held.State = how == "GetStatus" ? DestinationTorrentState.Finalizing : DestinationTorrentState.Receiving;
        if (how == "Init")
        {
            world.Destination.OnInit = _ => new InitOutcome.Refused(new Refusal(RefusalReason.Finalizing));
        }
        else if (how == "nack")
        {
            // It turns to finalizing while its last piece is on the way: the answer is a nack that says so.
            held.Have.Clear(3);
            world.Destination.OnPiece = static _ => PieceAckStatus.Finalizing;
            world.Destination.OnFinalize = _ => new FinalizeOutcome.Complete(new CompletionView(new byte[] { 1 }, null, held.Selection));
        }

        var finalizes = world.Destination.Count("Finalize");
        world.Start();
        await world.PassUntilAsync(() => world.IsSynced(torrent));
        Assert.That(world.Destination.Count("Finalize"), Is.EqualTo(finalizes + 1));
        Assert.That(world.Destination.Link!.Sends, Is.EqualTo(how == "nack" ? 1 : 0));
    }

    [Test]
    [SourceCase(4)]
    public async Task Snapshots_WhileTheDestinationIsAsked_MakeOneSyncAndOneInitEach()
    {
        const int Torrents = 1000;
        await using var world = new SourceWorld();
        var slow = new SlowDestination(world.Destination, world.Time);
        var chance = new Random(4);
        slow.Before = (verb, _, token) =>
        {
            // Four are asked at once.
            lock (chance)
            {
                return verb == "GetStatus" ? Task.Delay(TimeSpan.FromMilliseconds(chance.Next(1500)), world.Time, token) : Task.CompletedTask;
            }
        };
        world.Wire = slow;
        var torrents = Enumerable.Range(1, Torrents).Select(i => world.Client.Add(SourceWorld.Torrent($"film {i}", pieces: 2, seed: i), complete: false)).ToArray();
        world.Client.Change(() => Array.ForEach(torrents, static torrent => torrent.Has.Set(0)));
        world.Start();

        // Each poll brings another snapshot while answers are on their way.
        await world.PassUntilAsync(() => torrents.All(torrent => world.Progress(torrent.Torrent.Id)?.PiecesDone == 1));
        world.Client.Change(() => Array.ForEach(torrents, static torrent => torrent.Has.SetAll()));
        await world.PassUntilAsync(() => torrents.All(world.IsSynced));

        Assert.That(world.Destination.Count("InitWithTorrent"), Is.EqualTo(Torrents));
        Assert.That(world.Destination.Count("Init"), Is.EqualTo(2 * Torrents), "one without the .torrent, one with it");
        Assert.That(world.Destination.Link!.Sends, Is.EqualTo(2 * Torrents));
        Assert.That(world.Destination.Link!.MostSendsOfOne, Is.EqualTo(1), "no table began anew");
        Assert.That(world.Engine.Status.Torrents, Has.Count.EqualTo(Torrents));
    }

    [TestCase("Init")]
    [TestCase("Abort")]
    [TestCase("Start")]
    [SourceCase(5)]
    public async Task CallThatHangs_ForOneTorrent_EndsAtItsDeadlineAndDelaysNobody(string verb)
    {
        await using var world = new SourceWorld();
        world.Options.CallTimeout = TimeSpan.FromSeconds(10);
        world.Options.ReconnectMaxDelay = TimeSpan.FromSeconds(1);
        var slow = new SlowDestination(world.Destination, world.Time);
        world.Wire = slow;
        var bad = world.Client.Add(SourceWorld.Torrent("bad"), complete: verb != "Abort");
        world.Client.Change(() => bad.Has.Set(0));
        var ended = new List<TimeSpan>();
        slow.Before = async (called, id, token) =>
        {
            if (called != verb || id != bad.Torrent.Id)
            {
                return;
            }

            var began = world.Time.GetUtcNow();
            await Task.Delay(Timeout.InfiniteTimeSpan, token).ContinueWith(static _ => { }, CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
            lock (ended)
            {
                ended.Add(world.Time.GetUtcNow() - began);
            }

            token.ThrowIfCancellationRequested();
        };
        world.Start();
        if (verb == "Abort")
        {
            await world.PassUntilAsync(() => world.Progress(bad.Torrent.Id)?.PiecesDone == 1);
            world.Client.Remove(bad);
        }
        else if (verb == "Start")
        {
            await world.PassUntilAsync(() => world.IsSynced(bad));
            world.Client.Remove(bad);
        }

        var others = Enumerable.Range(1, 20).Select(i => world.Client.Add(SourceWorld.Torrent($"film {i}", seed: i + 1))).ToArray();
        await world.PassUntilAsync(() => others.All(world.IsSynced) && Count() > 0);

        lock (ended)
        {
            Assert.That(ended[0], Is.GreaterThanOrEqualTo(TimeSpan.FromSeconds(10)));
        }

        int Count()
        {
            lock (ended)
            {
                return ended.Count;
            }
        }
    }

    [Test]
    [SourceCase(7)]
    public async Task AckOfAPieceThatThereIsNot_ClosesTheStreamAndChangesNoPiece([Values(-1, 10, int.MaxValue)] int index)
    {
        await using var world = new SourceWorld();
        var torrent = await StreamingAsync(world);
        world.Destination.Link!.Say(new PieceAck(new PieceRef(torrent.Torrent.Id, index), 1, PieceAckStatus.Accepted, TimeSpan.Zero));
        await AssertReopenedAsync(world, torrent);
    }

    [TestCase(9, 10)]
    [TestCase(11, 10)]
    [TestCase(10, 11)]
    [TestCase(0, 0)]
    [SourceCase(7)]
    public async Task BitmapOfAnotherLength_ClosesTheStreamAndChangesNoPiece(int have, int deferred)
    {
        await using var world = new SourceWorld();
        var torrent = await StreamingAsync(world);
        var held = world.Destination.Find(torrent.Torrent.Id)!;
        world.Destination.Tell(new DestinationUpdate.HaveChanged(torrent.Torrent.Id, held.Epoch, 0, new PieceBitmap(have), new PieceBitmap(deferred)));
        await AssertReopenedAsync(world, torrent);
    }

    [Test]
    [SourceCase(7)]
    public async Task OpenWithABitmapOfAnotherLength_IsTriedAgainWithoutAStrike([Values(9, 11)] int length)
    {
        await using var world = new SourceWorld();
        var torrent = world.Client.Add(SourceWorld.Torrent("film", pieces: 10));
        var lies = 3;
        world.Destination.OnInit = _ => lies-- > 0
            ? new InitOutcome.Open(world.Destination.Incarnation, 1, new PieceBitmap(length), new PieceBitmap(length), false) : null;
        world.Start();
        await world.PassUntilAsync(() => world.IsSynced(torrent));
        Assert.That(world.Log.Entries.Any(entry => entry.Id.Name == "Strike"), Is.False);
        Assert.That(world.Destination.Link!.Sends, Is.EqualTo(10));
    }

    [Test]
    [SourceCase(7)]
    public async Task NewsOfAnotherTorrent_ChangeNothing()
    {
        await using var world = new SourceWorld();
        var torrent = await StreamingAsync(world);
        var other = SourceWorld.Torrent("other", seed: 99).Id;
        var inits = world.Destination.Count("Init");
        world.Destination.Link!.Say(new PieceAck(new PieceRef(other, 0), 1, PieceAckStatus.NotOpen, TimeSpan.Zero));
        world.Destination.Tell(new DestinationUpdate.HaveChanged(other, 1, 0, new PieceBitmap(3), new PieceBitmap(3)));
        await world.PassAsync(TimeSpan.FromSeconds(3));
        Assert.That((world.StateOf(torrent.Torrent.Id), world.Destination.Count("Init")), Is.EqualTo(("Streaming", inits)));
    }

    [Test]
    [SourceCase(10)]
    public async Task DestinationAndClientDown_AtStartForTenMinutes_SyncsWhenBothAreBack()
    {
        await using var world = new SourceWorld();
        var torrent = world.Client.Add(SourceWorld.Torrent("film"));
        world.Destination.SetDown(true);
        world.Client.IsDown = true;
        world.Start();
        await world.PassAsync(TimeSpan.FromMinutes(10), TimeSpan.FromSeconds(20));
        Assert.That((world.Engine.Status.ClientOk, world.Engine.Status.PeerOk), Is.EqualTo(((bool?)false, (bool?)false)));

        world.Client.IsDown = false;
        await world.PassUntilAsync(() => world.StateOf(torrent.Torrent.Id) == "Discovered");
        world.Destination.SetDown(false);
        await world.PassUntilAsync(() => world.IsSynced(torrent));
    }

    [Test]
    [SourceCase(10)]
    public async Task RoundTripOf600Milliseconds_StartsAndSyncs()
    {
        await using var world = new SourceWorld();
        var slow = new SlowDestination(world.Destination, world.Time);
        slow.SetRoundTrip(TimeSpan.FromMilliseconds(600));
        world.Wire = slow;
        var torrent = world.Client.Add(SourceWorld.Torrent("film"));
        world.Start();
        await world.PassUntilAsync(() => world.IsSynced(torrent));
    }

    /// <summary>A torrent that is complete at the destination, and a source that has lost its state and stands still.</summary>
    private static async Task<ScriptedTorrent> SyncAndForgetAsync(SourceWorld world)
    {
        var torrent = world.Client.Add(SourceWorld.Torrent("film"));
        world.Start();
        await world.PassUntilAsync(() => world.IsSynced(torrent));
        await world.StopAsync();
        foreach (var name in world.Records.All.Keys)
        {
            await world.Records.RemoveAsync(name, default);
        }

        return torrent;
    }

    private static async Task<ScriptedTorrent> StreamingAsync(SourceWorld world)
    {
        var torrent = world.Client.Add(SourceWorld.Torrent("film", pieces: 10), complete: false);
        world.Client.Change(() => torrent.Has.Set(0));
        world.Start();
        await world.PassUntilAsync(() => world.Progress(torrent.Torrent.Id)?.PiecesDone == 1);
        return torrent;
    }

    private static async Task AssertReopenedAsync(SourceWorld world, ScriptedTorrent torrent)
    {
        await world.PassUntilAsync(() => world.Destination.Count("Init") == 3);
        world.Client.Change(() => torrent.Has.SetAll());
        await world.PassUntilAsync(() => world.IsSynced(torrent));
        Assert.That(world.Destination.Link!.MostSendsOfOne, Is.EqualTo(1));
        Assert.That(world.Log.Entries.Where(static entry => entry.Id.Name == "Strike" || entry.Level >= LogLevel.Error), Is.Empty);
    }
}
