using QbSync.Engine.Status;
using QbSync.Engine.Tests.Source.World;
using QbSync.Outcomes;
using QbSync.Pieces;
using QbSync.Ports;
using QbSync.Testing.Specifications;
using QbSync.Testing.Torrents;
using QbSync.Testing.Waiting;

namespace QbSync.Engine.Tests.Source;

/// <summary>When a torrent is made final, with what, and what becomes of it when that does not go well.</summary>
[TestFixture]
internal sealed class SourceFinalizeTests
{
    private const int Piece = 16384;

    [Test, SourceCase(71)]
    public async Task LastAck_AfterItIsComplete_BringsSyncedWithoutATick()
    {
        await using var world = new SourceWorld();
        var torrent = world.Client.Add(SourceWorld.Torrent("film"), complete: false);
        world.Client.Change(() => torrent.Has.Set(0));
        world.Start();
        await world.PassUntilAsync(() => world.Progress(torrent.Torrent.Id)?.PiecesDone == 1);
        var link = world.Destination.Link!;
        link.HoldsAcks = true;
        world.Client.Change(() => torrent.Has.SetAll());
        await world.PassUntilAsync(() => link.Held == 7);

        // Time stands still from here on: what happens needs no timer.
        link.Release();
        await Eventually.BecomesTrueAsync(() => world.IsSynced(torrent));
    }

    [Test, SourceCase(71)]
    public async Task Completion_AfterTheLastAck_BringsSyncedWithoutATick()
    {
        await using var world = new SourceWorld();
        var torrent = world.Client.Add(SourceWorld.Torrent("film"), complete: false);
        world.Client.Change(() =>
        {
            torrent.Has.SetAll();
            torrent.ForcedState = ClientTorrentState.Downloading;
        });
        world.Start();
        await world.PassUntilAsync(() => world.Progress(torrent.Torrent.Id)?.PiecesDone == 8);
        await world.PassAsync(TimeSpan.FromSeconds(5));
        Assert.That(world.Destination.Count("Finalize"), Is.Zero, "the client has yet to say that it is complete");

        world.Client.Change(() => torrent.ForcedState = null);
        await world.PassUntilAsync(() => world.StateOf(torrent.Torrent.Id) is "Finalizing" or "Synced");

        // The snapshot that says so is enough.
        await Eventually.BecomesTrueAsync(() => world.IsSynced(torrent));
    }

    [Test, SourceCase(71)]
    public async Task OnlyEmptyFilesSelected_BecomesSyncedWithZeroPieces()
    {
        await using var world = new SourceWorld();
        var torrent = world.Client.Add(new TorrentBuilder("set") { PieceLength = Piece }.AddFile("a", 3 * Piece).AddFile("empty", 0).Build());
        torrent.Unselected.Add(0);
        world.Start();

        await world.PassUntilAsync(() => world.IsSynced(torrent));

        Assert.That(world.Destination.Link!.Sends, Is.Zero);
        Assert.That(world.Destination.Find(torrent.Torrent.Id)!.State, Is.EqualTo(DestinationTorrentState.Complete));
    }

    [Test, SourceCase(72)]
    public async Task Finalize_TellsWhatTheClientShows_AndAFolderThatChangedMeanwhile()
    {
        await using var world = new SourceWorld();
        var built = new TorrentBuilder("set") { PieceLength = Piece }.AddFile("a", 3 * Piece).AddFile("b", Piece).Build();
        var torrent = world.Client.Add(built, complete: false);
        torrent.Unselected.Add(1);
        torrent.Category = "films";
        torrent.SavePath = "/downloads/films";
        torrent.Limits = ShareLimits.FromNumbers(2, 90, -1);
        torrent.Tags.UnionWith(["mine", "yours", "source-removed", "sync-failed2"]);
        world.Client.Change(() => torrent.Has.Set(0));
        world.Start();
        await world.PassUntilAsync(() => world.Progress(built.Id)?.PiecesDone == 1);
        Assert.That(world.Destination.Find(built.Id)!.Place!.SubPath, Is.EqualTo(["films"]));

        world.Client.Change(() =>
        {
            torrent.Category = "series";
            torrent.SavePath = "/downloads/series";
        });
        await world.PassAsync(TimeSpan.FromSeconds(10));
        world.Client.Change(() => torrent.Has.SetAll());
        FinalizeRequest? told = null;
        world.Destination.OnFinalize = request =>
        {
            told = request;
            return null;
        };
        await world.PassUntilAsync(() => world.IsSynced(torrent));

        var held = world.Destination.Find(built.Id)!;
        Assert.That(held.Place, Has.Property("Layout").EqualTo(Torrents.ContentLayout.Original).And.Property("SubPath").EqualTo((string[])["series"]));
        Assert.That(told!.Parameters.Category, Is.EqualTo("series"));
        Assert.That(told.Parameters.Tags, Is.EqualTo(["mine", "sync-failed2", "yours"]));
        Assert.That(told.Parameters.Limits, Is.EqualTo(ShareLimits.FromNumbers(1.5, 60, -1)));
        Assert.That(told.Parameters.AddedAt, Is.EqualTo(torrent.Status.AddedAt));
        Assert.That(told.Parameters.CompletedAt, Is.EqualTo(torrent.Status.CompletedAt));
        Assert.That(told.SelectionFingerprint.ToArray(), Is.EqualTo(held.Layout.Selection.Fingerprint(built.Id)));
        Assert.That(world.Destination.Link!.Sends, Is.EqualTo(3), "a folder costs no byte");
        Assert.That((await world.RecordOfAsync(built.Id))!.Finalize, Has.Property("Category").EqualTo("series"));
    }

    [Test, SourceCase(72)]
    public async Task Parameters_ThatChangeWhileItStreams_AreKeptForWhenTheEntryIsGone()
    {
        await using var world = new SourceWorld();
        var torrent = world.Client.Add(SourceWorld.Torrent("film"), complete: false);
        world.Client.Change(() => torrent.Has.Set(0));
        world.Start();
        await world.PassUntilAsync(() => world.Progress(torrent.Torrent.Id)?.PiecesDone == 1);

        world.Client.Change(() => torrent.Tags.Add("late"));
        await world.PassUntilAsync(() => world.RecordOfAsync(torrent.Torrent.Id).Result?.Finalize?.Tags.Contains("late") == true);
    }

    [TestCase(FinalizeStage.Verifying)]
    [TestCase(FinalizeStage.Linking)]
    [SourceCase(73)]
    public async Task Finalize_OfThreeHours_IsWaitedForByOneRun_AndDelaysNoOther(FinalizeStage stage)
    {
        await using var world = new SourceWorld();
        var slow = world.Client.Add(SourceWorld.Torrent("slow", seed: 1));
        var done = 0L;
        var isOver = false;
        world.Destination.OnFinalize = request => request.Id == slow.Torrent.Id && !isOver
            ? new FinalizeOutcome.Running(new OperationProgress(stage, stage == FinalizeStage.Linking ? 0 : Interlocked.Increment(ref done), 100_000)) : null;
        world.Start();
        await world.PassUntilAsync(() => world.StateOf(slow.Torrent.Id) == "Finalizing");

        await world.PassAsync(TimeSpan.FromHours(3));
        Assert.That(world.StateOf(slow.Torrent.Id), Is.EqualTo("Finalizing"));
        Assert.That(
            world.Progress(slow.Torrent.Id)!.WaitingFor, Is.EqualTo(stage == FinalizeStage.Linking ? WaitingReason.Link : WaitingReason.Verification));
        Assert.That(world.Log.Entries, Has.None.Property("Id").Property("Name").EqualTo("Held"));
        var other = world.Client.Add(SourceWorld.Torrent("other", seed: 2));
        await world.PassUntilAsync(() => world.IsSynced(other));

        isOver = true;
        await world.PassUntilAsync(() => world.IsSynced(slow));
        Assert.That(world.Destination.Count("Init"), Is.EqualTo(4), "two each, and none for a run that takes long");
    }

    [Test, SourceCase(73)]
    public async Task Finalize_WithoutAWord_IsCalledAgainAndAttaches()
    {
        await using var world = new SourceWorld();
        world.Options.CallTimeout = TimeSpan.FromSeconds(10);
        var torrent = world.Client.Add(SourceWorld.Torrent("film"));
        var silences = 1;
        world.Destination.FinalizeGate = token => Interlocked.Decrement(ref silences) >= 0
            ? Task.Delay(Timeout.InfiniteTimeSpan, world.Time, token) : Task.CompletedTask;
        world.Start();
        await world.PassUntilAsync(() => world.Destination.Count("Finalize") == 1);

        await world.PassAsync(TimeSpan.FromSeconds(31));
        await world.PassUntilAsync(() => world.IsSynced(torrent));

        Assert.That(world.Destination.Count("Finalize"), Is.EqualTo(2));
        Assert.That(world.Destination.Link!.Sends, Is.EqualTo(8));
        Assert.That(torrent.Tags, Has.None.EqualTo("sync-failed"));
    }

    [Test, SourceCase(73)]
    public async Task Finalize_ThatStandsStill_IsShownAndAskedAgain_WithoutAStrike()
    {
        await using var world = new SourceWorld();
        var torrent = world.Client.Add(SourceWorld.Torrent("film"));
        var isStuck = true;
        world.Destination.OnFinalize = _ => isStuck ? new FinalizeOutcome.Running(new OperationProgress(FinalizeStage.Verifying, 7, 9)) : null;
        world.Start();
        await world.PassUntilAsync(() => world.StateOf(torrent.Torrent.Id) == "Finalizing");

        await world.PassUntilAsync(() => world.Progress(torrent.Torrent.Id)!.WaitingFor == WaitingReason.Verification);
        await world.PassAsync(TimeSpan.FromHours(2));
        Assert.That(world.StateOf(torrent.Torrent.Id), Is.EqualTo("Finalizing"));
        Assert.That(world.Log.Entries.Where(entry => entry.Id.Name == "Held"), Has.Some.Property("Message").Contains("not advanced"));
        isStuck = false;
        await world.PassUntilAsync(() => world.IsSynced(torrent));

        Assert.That(world.Log.Entries, Has.None.Property("Id").Property("Name").EqualTo("Strike"));
    }

    [TestCase("source client")]
    [TestCase("destination client")]
    [TestCase("destination")]
    [TestCase("link")]
    [SourceCase(74)]
    public async Task Outage_OfTenMinutesAtFinalize_TagsNothingAndEndsSynced(string what)
    {
        await using var world = new SourceWorld();
        var torrent = world.Client.Add(SourceWorld.Torrent("film"), complete: false);
        world.Client.Change(() => torrent.Has.Set(0));
        world.Start();
        await world.PassUntilAsync(() => world.Progress(torrent.Torrent.Id)?.PiecesDone == 1);
        var link = world.Destination.Link!;
        link.HoldsAcks = true;
        world.Client.Change(() => torrent.Has.SetAll());
        await world.PassUntilAsync(() => link.Held == 7);
        var isOut = true;
        world.Destination.OnFinalize = _ =>
        {
            switch (what)
            {
                case "destination client" when isOut:
                    return new FinalizeOutcome.Refused(new Refusal(RefusalReason.ClientUnreachable));
                case "destination" when isOut:
                    world.Destination.SetDown(true);
                    throw new PeerException(PeerFault.Unreachable, "The destination went away.");
                case "link" when isOut:
                    link.SetConnected(false);
                    throw new PeerException(PeerFault.Unreachable, "The network is down.");
                default:
                    return null;
            }
        };
        world.Client.IsDown = what == "source client";
        link.HoldsAcks = false;
        link.Release();
        await world.PassUntilAsync(() => world.StateOf(torrent.Torrent.Id) == "Finalizing");

        await world.PassAsync(TimeSpan.FromMinutes(10));
        Assert.That(world.StateOf(torrent.Torrent.Id), Is.EqualTo("Finalizing"));
        Assert.That(torrent.Tags, Is.Empty);
        isOut = world.Client.IsDown = false;
        world.Destination.SetDown(false);
        await world.PassUntilAsync(() => world.IsSynced(torrent));

        Assert.That(link.Sends, Is.EqualTo(8));
        Assert.That(world.Log.Entries, Has.None.Property("Id").Property("Name").EqualTo("Strike"));
    }

    [Test, SourceCase(75)]
    public async Task Incomplete_AfterNewIncarnations_IsNoStrikeHoweverOften()
    {
        await using var world = new SourceWorld();
        var torrent = world.Client.Add(SourceWorld.Torrent("film"));
        var crashes = 5;
        world.Destination.OnFinalize = request =>
        {
            if (Interlocked.Decrement(ref crashes) < 0)
            {
                return null;
            }

            world.Destination.Restart(static (_, piece) => piece != 2);
            var held = world.Destination.Find(request.Id)!;
            return new FinalizeOutcome.Incomplete(held.Epoch, held.Have.Clone(), new PieceBitmap(8));
        };
        world.Start();

        await world.PassUntilAsync(() => world.IsSynced(torrent));

        Assert.That(world.Destination.Link!.SendsOf(2), Is.EqualTo(6));
        Assert.That(world.Destination.Link.Sends, Is.EqualTo(13));
        Assert.That(world.Log.Entries, Has.None.Property("Id").Property("Name").EqualTo("Strike"));
    }

    [Test, SourceCase(75)]
    public async Task Incomplete_OfTheSamePiecesInOneEpoch_FailsAsNoProgress()
    {
        await using var world = new SourceWorld();
        var torrent = world.Client.Add(SourceWorld.Torrent("film"));
        world.Destination.OnFinalize = request =>
        {
            var held = world.Destination.Find(request.Id)!;
            held.Have.Clear(2);
            return new FinalizeOutcome.Incomplete(held.Epoch, held.Have.Clone(), new PieceBitmap(8));
        };
        world.Start();

        await world.PassUntilAsync(() => world.StateOf(torrent.Torrent.Id) == "Failed" && torrent.Tags.Contains("sync-failed"));

        Assert.That(world.Progress(torrent.Torrent.Id)!.Reason, Does.Contain("no-progress"));
        Assert.That(world.Log.Entries.Count(entry => entry.Id.Name == "Strike"), Is.EqualTo(3));
        Assert.That(world.Destination.Count("Finalize"), Is.LessThanOrEqualTo(5), "it is not sent again at the speed of the network");
        Assert.That(torrent.Tags, Has.None.EqualTo("synced"));
    }

    [Test, SourceCase(80)]
    public async Task Unknown_AtFinalize_IsOpenedAgainWithoutAStrike()
    {
        await using var world = new SourceWorld();
        var torrent = world.Client.Add(SourceWorld.Torrent("film"));
        var once = 1;
        world.Destination.OnFinalize = request =>
        {
            if (Interlocked.Decrement(ref once) == 0)
            {
                world.Destination.Forget(request.Id);
            }

            return null;
        };
        world.Start();

        await world.PassUntilAsync(() => world.IsSynced(torrent));

        Assert.That(world.Destination.Count("InitWithTorrent"), Is.EqualTo(2));
        Assert.That(world.Destination.Link!.Sends, Is.EqualTo(16));
        Assert.That(world.Log.Entries, Has.None.Property("Id").Property("Name").EqualTo("Strike"));
    }

    [Test]
    public async Task SelectionChanged_ToldAgainAndAgain_IsNotObeyedAtTheSpeedOfTheNetwork()
    {
        await using var world = new SourceWorld();
        var torrent = world.Client.Add(SourceWorld.Torrent("film"));
        world.Destination.OnFinalize = static _ => new FinalizeOutcome.Refused(new Refusal(RefusalReason.SelectionChanged));
        world.Start();
        await world.PassUntilAsync(() => world.Destination.Count("Finalize") > 0);
        await world.PassAsync(TimeSpan.FromMinutes(10));
        Assert.That(world.Destination.Count("Finalize"), Is.LessThan(120));

        world.Destination.OnFinalize = static _ => null;
        await world.PassUntilAsync(() => world.IsSynced(torrent));
    }

    [TestCase(true)]
    [TestCase(false)]
    [SourceCase(84)]
    public async Task NothingMissingThere_IsFinalizedBeforeAnyRecord(bool isLostHere)
    {
        await using var world = new SourceWorld();
        var torrent = world.Client.Add(SourceWorld.Torrent("film"));
        world.Destination.OnFinalize = static _ => new FinalizeOutcome.Refused(new Refusal(RefusalReason.ClientUnreachable));
        world.Start();
        await world.PassUntilAsync(() => world.StateOf(torrent.Torrent.Id) == "Finalizing");
        await world.StopAsync();
        if (isLostHere)
        {
            await world.Records.RemoveAsync($"torrents/{torrent.Torrent.Id}.json", default);
        }

        // It receives, and holds all: no word of it makes a record but Complete.
        Assert.That(world.Destination.Find(torrent.Torrent.Id)!.State, Is.EqualTo(DestinationTorrentState.Receiving));
        var link = world.Destination.Link;
        world.Start();
        await world.PassUntilAsync(() => world.Destination.Link != link && world.StateOf(torrent.Torrent.Id) == "Finalizing");
        await world.PassAsync(TimeSpan.FromMinutes(5));
        Assert.That((await world.RecordOfAsync(torrent.Torrent.Id))?.Completion, Is.Null);
        Assert.That(torrent.Tags, Is.Empty);

        world.Destination.OnFinalize = static _ => null;
        await world.PassUntilAsync(() => world.IsSynced(torrent));
        Assert.That(world.Destination.Link!.Sends, Is.Zero);
        Assert.That((await world.RecordOfAsync(torrent.Torrent.Id))!.Completion, Is.Not.Null);
    }
}
