using QbSync.Engine.Tests.Source.World;
using QbSync.Outcomes;
using QbSync.Ports;
using QbSync.Testing.Specifications;

namespace QbSync.Engine.Tests.Source;

/// <summary>What each answer of the destination leads to, and how a torrent fails and is tried again.</summary>
[TestFixture]
internal sealed class SourceFaultsTests
{
    [Test, SourceCase(78)]
    [MetricCase("C44")]
    public async Task TagOfAFailure_ThatCannotBeSet_ChangesNothingElseAndIsTriedAgain()
    {
        await using var world = new SourceWorld();
        var torrent = world.Client.Add(SourceWorld.Torrent("film"));
        world.Client.TagFaults = 3;
        world.Destination.OnInit = static _ => new InitOutcome.Refused(new Refusal(RefusalReason.Unsupported));
        world.Start();

        await world.PassUntilAsync(() => world.StateOf(torrent.Torrent.Id) == "Failed" && torrent.Tags.Contains("sync-failed"));
        var inits = world.Destination.Count("Init");
        await world.PassAsync(TimeSpan.FromHours(1));

        Assert.That(world.Client.TagFaults, Is.LessThan(0));
        Assert.That(world.Destination.Count("Init"), Is.EqualTo(inits), "it rests");
        Assert.That(await world.ScrapeAsync(), Does.Contain("qbsync_sync_failed_total 1"));
    }

    [Test, SourceCase(78)]
    public async Task EmptyTagOfAFailure_FailsAllTheSameAndSetsNone()
    {
        await using var world = new SourceWorld();
        world.Options.SyncFailedTag = "";
        var torrent = world.Client.Add(SourceWorld.Torrent("film"));
        world.Destination.OnInit = static _ => new InitOutcome.Refused(new Refusal(RefusalReason.Unsupported));
        world.Start();
        await world.PassUntilAsync(() => world.StateOf(torrent.Torrent.Id) == "Failed");
        var inits = world.Destination.Count("Init");

        await world.PassAsync(TimeSpan.FromHours(1));

        Assert.That(world.StateOf(torrent.Torrent.Id), Is.EqualTo("Failed"));
        Assert.That(world.Destination.Count("Init"), Is.EqualTo(inits));
        Assert.That(torrent.Tags, Is.Empty);
    }

    [Test, SourceCase(78)]
    public async Task TagOfAFailure_TakenAwayByTheUser_BeginsAnewWithoutStrikes()
    {
        await using var world = new SourceWorld();
        var torrent = world.Client.Add(SourceWorld.Torrent("film"));
        world.Destination.OnInit = static _ => new InitOutcome.Refused(new Refusal(RefusalReason.Unsupported));
        world.Start();
        await world.PassUntilAsync(() => world.StateOf(torrent.Torrent.Id) == "Failed" && torrent.Tags.Contains("sync-failed"));
        await world.PassUntilAsync(() => world.RecordOfAsync(torrent.Torrent.Id).Result is { FailedTagWasSeen: true });

        world.Client.Change(() => torrent.Tags.Clear());
        await world.PassUntilAsync(() => world.StateOf(torrent.Torrent.Id) is "Discovered" or "Initializing");
        await world.PassUntilAsync(() => world.RecordOfAsync(torrent.Torrent.Id).Result is { Strikes.Count: <= 1, FailedTagWasSeen: false });
        world.Destination.OnInit = static _ => null;
        await world.PassUntilAsync(() => world.IsSynced(torrent));
    }

    [Test, SourceCase(79)]
    public async Task Conflict_ResolvedAfterTwentyThreeHours_GoesOnByItselfWithoutAStrike()
    {
        await using var world = new SourceWorld();
        var torrent = world.Client.Add(SourceWorld.Torrent("film"));
        world.Destination.OnInit = static _ => new InitOutcome.Refused(new Refusal(RefusalReason.PathConflict, "film is in the way"));
        world.Start();
        await world.PassUntilAsync(() => world.Destination.Count("Init") > 0);
        await world.PassAsync(TimeSpan.FromHours(23));
        Assert.That(world.StateOf(torrent.Torrent.Id), Is.EqualTo("Initializing"));
        var inits = world.Destination.Count("Init");

        world.Destination.OnInit = static _ => null;
        await world.PassAsync(TimeSpan.FromMinutes(6));
        await world.PassUntilAsync(() => world.IsSynced(torrent));

        Assert.That(world.Destination.Count("Init"), Is.EqualTo(inits + 2), "one for the .torrent, one with it");
        Assert.That(world.Log.Entries, Has.None.Property("Id").Property("Name").EqualTo("Strike"));
        Assert.That(world.Log.Entries.Count(entry => entry.Id.Name == "Held"), Is.EqualTo(1));
    }

    /// <summary>Each code for one piece of six: how often it is sent in all, how many times the torrent is opened, and how many strikes that costs.</summary>
    [TestCase(PieceAckStatus.Held, 6, 1, 0)]
    [TestCase(PieceAckStatus.HashMismatch, 7, 1, 0)]
    [TestCase(PieceAckStatus.NotOpen, 7, 2, 0)]
    [TestCase(PieceAckStatus.StaleEpoch, 7, 2, 0)]
    [TestCase(PieceAckStatus.ClaimLost, 7, 1, 0)]
    [TestCase(PieceAckStatus.FileLost, 7, 1, 0)]
    [TestCase(PieceAckStatus.NoSpace, 7, 1, 0)]
    [TestCase(PieceAckStatus.StorageError, 7, 1, 0)]
    [TestCase(PieceAckStatus.Busy, 7, 1, 0)]
    [TestCase(PieceAckStatus.Malformed, 7, 1, 0)]
    [TestCase((PieceAckStatus)99, 7, 1, 0)]
    [TestCase(PieceAckStatus.TorrentInconsistent, 7, 2, 1)]
    [SourceCase(80)]
    public async Task EachAckCode_LeadsToWhatIsSaidOfIt(PieceAckStatus status, int sends, int opened, int strikes)
    {
        await using var world = new SourceWorld();
        var torrent = world.Client.Add(SourceWorld.Torrent("film", pieces: 6), complete: false);
        world.Client.Change(() => torrent.Has.Set(0));
        world.Start();
        await world.PassUntilAsync(() => world.Progress(torrent.Torrent.Id)?.PiecesDone == 1);
        var link = world.Destination.Link!;
        var before = world.Destination.Count("Init");
        var once = 1;
        link.OnPiece = piece => piece.Index == 3 && Interlocked.Decrement(ref once) == 0 ? status : null;
        link.HoldsAcks = true;

        // Piece 3 alone, so that a nack of the whole torrent counts no other one.
        world.Client.Change(() => torrent.Has.Set(3));
        await world.PassUntilAsync(() => link.Held == 1);
        link.HoldsAcks = false;
        link.Release();
        world.Client.Change(() => torrent.Has.SetAll());
        if (status == PieceAckStatus.Held)
        {
            world.Client.Change(() => world.Destination.Find(torrent.Torrent.Id)!.Have.Set(3));
        }

        await world.PassUntilAsync(() => world.IsSynced(torrent));

        Assert.That(link.Sends, Is.EqualTo(sends));
        Assert.That(world.Destination.Count("Init") - before, Is.EqualTo(opened - 1));
        Assert.That(world.Log.Entries.Count(entry => entry.Id.Name == "Strike"), Is.EqualTo(strikes));
    }

    [Test, SourceCase(80)]
    public async Task ReasonOfANewerDestination_IsWaitedForWithoutAStrike()
    {
        await using var world = new SourceWorld();
        var torrent = world.Client.Add(SourceWorld.Torrent("film"));
        world.Destination.OnInit = static _ => new InitOutcome.Refused(new Refusal((RefusalReason)999));
        world.Destination.OnFinalize = static _ => new FinalizeOutcome.Refused(new Refusal((RefusalReason)999));
        world.Start();
        await world.PassAsync(TimeSpan.FromMinutes(10));
        Assert.That(world.StateOf(torrent.Torrent.Id), Is.EqualTo("Initializing"));
        world.Destination.OnInit = static _ => null;
        await world.PassUntilAsync(() => world.StateOf(torrent.Torrent.Id) == "Finalizing");
        await world.PassAsync(TimeSpan.FromMinutes(10));

        world.Destination.OnFinalize = static _ => null;
        await world.PassUntilAsync(() => world.IsSynced(torrent));
        Assert.That(world.Log.Entries, Has.None.Property("Id").Property("Name").EqualTo("Strike"));
    }

    [Test, SourceCase(81)]
    public async Task StateLost_WithFiveHundredCompleteThere_AllAreAdoptedAndNothingIsTouched()
    {
        const int count = 500;
        await using var world = new SourceWorld();
        var torrents = Enumerable.Range(1, count).Select(i => world.Client.Add(SourceWorld.Torrent($"film {i}", pieces: 1, seed: i))).ToArray();
        foreach (var torrent in torrents)
        {
            world.Destination.Hold(torrent.Torrent);
        }

        world.Start();
        await world.PassUntilAsync(() => world.Engine.Status.Torrents.Count == count && torrents.All(world.IsSynced));
        await world.PassUntilAsync(() => torrents.All(torrent => torrent.Tags.Contains("synced")));
        await world.PassAsync(TimeSpan.FromMinutes(5));

        Assert.That(world.Destination.Calls.Except(["Hello", "Watch", "GetStatus"]), Is.Empty);
        Assert.That(world.Destination.Link!.Sends, Is.Zero);
        Assert.That(world.Client.Reads, Is.Empty);
        Assert.That(torrents.All(torrent => torrent is { ExportCalls: 1, PieceCalls: 0 }), Is.True);
        Assert.That(torrents.All(world.IsSynced), Is.True);
    }

    [Test, SourceCase(83)]
    public async Task DataDeletedThere_IsSentAgain_AndTheSourceIsNeverStopped()
    {
        await using var world = new SourceWorld();
        var torrent = world.Client.Add(SourceWorld.Torrent("film"));
        world.Start();
        await world.PassUntilAsync(() => world.IsSynced(torrent) && torrent.Tags.Contains("synced"));
        var held = world.Destination.Find(torrent.Torrent.Id)!;

        world.Client.Change(() =>
        {
            held.Epoch++;
            held.State = DestinationTorrentState.Receiving;
            Enumerable.Range(2, 3).ToList().ForEach(piece => held.Have.Clear(piece));
        });
        world.Destination.Tell(new DestinationUpdate.Changed(
            new DestinationTorrentStatus { Id = torrent.Torrent.Id, State = DestinationTorrentState.Receiving, Epoch = held.Epoch }));
        await world.PassUntilAsync(() => held.State == DestinationTorrentState.Complete && world.IsSynced(torrent));

        Assert.That(world.Destination.Link!.Sends, Is.EqualTo(11), "only what lacked");
        Assert.That(torrent.Status.State, Is.EqualTo(ClientTorrentState.StalledUp));
    }
}
