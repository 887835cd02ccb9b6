using System.Globalization;
using QbSync.Engine.Status;
using QbSync.Engine.Tests.Source.World;
using QbSync.Outcomes;
using QbSync.Pieces;
using QbSync.Ports;
using QbSync.Testing.Specifications;

namespace QbSync.Engine.Tests.Source.Tracking;

/// <summary>How often the client is asked for what, measured in virtual time.</summary>
[TestFixture]
internal sealed class SourceMonitorTests
{
    private static readonly TimeSpan Step = TimeSpan.FromMilliseconds(50);

    [Test, SourceCase(26)]
    public async Task NothingMoves_TheClientIsAskedEveryFiveSeconds_AndOftenAgainOnceSomethingDoes()
    {
        await using var world = new SourceWorld();
        var whole = world.Client.Add(SourceWorld.Torrent("whole", seed: 1));
        var part = world.Client.Add(SourceWorld.Torrent("part", pieces: 40, seed: 2), complete: false);
        part.Has.Set(0);
        world.Start();
        await world.PassUntilAsync(() => world.IsSynced(whole) && world.Progress(part.Torrent.Id)?.PiecesDone == 1);
        world.Client.Change(() => part.ForcedState = ClientTorrentState.StoppedDl);
        await world.PassAsync(TimeSpan.FromSeconds(60), Step);

        var (polls, asked, skips) = (world.Client.Polls, part.PieceCalls, await SkipsAsync(world));
        await world.PassAsync(TimeSpan.FromSeconds(60), Step);
        Assert.That(world.Client.Polls - polls, Is.InRange(11, 13));
        Assert.That(part.PieceCalls - asked, Is.InRange(0, 2), "the call of every minute");
        Assert.That(await SkipsAsync(world) - skips, Is.InRange(9, 13));
        Assert.That(whole.PieceCalls, Is.Zero);

        world.Client.Change(() =>
        {
            part.ForcedState = null;
            part.Has.Set(1);
        });
        await world.PassUntilAsync(() => world.Progress(part.Torrent.Id)?.PiecesDone == 2, Step);
        polls = world.Client.Polls;
        await world.PassAsync(TimeSpan.FromSeconds(10), Step);
        Assert.That(world.Client.Polls - polls, Is.InRange(17, 21));
    }

    [Test, SourceCase(27)]
    public async Task FiftyDownloads_ThreeOfWhichMove_CostCallsForThoseThree()
    {
        await using var world = new SourceWorld();
        var torrents = Enumerable.Range(0, 50).Select(i => world.Client.Add(SourceWorld.Torrent($"t{i}", pieces: 70, seed: i), complete: false)).ToList();
        torrents.ForEach(static torrent => torrent.Has.Set(0));
        world.Start();
        await world.PassUntilAsync(() => torrents.All(torrent => world.Progress(torrent.Torrent.Id)?.PiecesDone == 1), Step);
        await world.PassAsync(TimeSpan.FromSeconds(10), Step);
        var before = torrents.ToDictionary(static torrent => torrent, static torrent => torrent.PieceCalls);
        var (polls, began) = (world.Client.Polls, world.Client.PieceCalls.Count);
        for (var piece = 1; piece <= 60; piece++)
        {
            var next = piece;
            world.Client.Change(() => torrents.Take(3).ToList().ForEach(torrent => torrent.Has.Set(next)));
            await world.PassAsync(TimeSpan.FromSeconds(2), Step);
        }

        Assert.That(torrents.Take(3).Select(torrent => torrent.PieceCalls - before[torrent]), Is.All.InRange(50, 64));
        Assert.That(torrents.Skip(3).Select(torrent => torrent.PieceCalls - before[torrent]), Is.All.InRange(1, 3), "one a minute, to be safe");
        Assert.That(world.Client.Polls - polls, Is.InRange(200, 241), "what is free comes with the list");
        Assert.That(torrents.Take(3).Select(torrent => world.Progress(torrent.Torrent.Id)!.PiecesDone), Is.All.InRange(60, 61));
        AssertTenASecond([.. world.Client.PieceCalls.Select(static call => call.At)]);
        Assert.That(world.Client.PieceCalls.Count - began, Is.LessThan(400));
    }

    [Test, SourceCase(28)]
    public async Task ClientThatTakesTwoSeconds_IsAskedEverySixAndOnceAtATime()
    {
        await using var world = new SourceWorld();
        world.Client.PollTime = TimeSpan.FromSeconds(2);
        var torrent = world.Client.Add(SourceWorld.Torrent("film", pieces: 40), complete: false);
        torrent.Has.Set(0);
        world.Start();
        await world.PassUntilAsync(() => world.Progress(torrent.Torrent.Id)?.PiecesDone == 1, Step);
        var polls = world.Client.Polls;
        await world.PassAsync(TimeSpan.FromMinutes(2), Step);
        Assert.That(world.Client.Polls - polls, Is.InRange(18, 21));
        Assert.That(world.Client.MostPollsAtOnce, Is.EqualTo(1));
    }

    [Test, SourceCase(28)]
    public async Task HundredRemovals_WithASlowDestination_DelayNoLook()
    {
        await using var world = new SourceWorld();
        var torrents = Enumerable.Range(0, 210).Select(i => world.Client.Add(SourceWorld.Torrent($"t{i}", pieces: 3, seed: i), complete: false)).ToList();
        torrents.ForEach(static torrent => torrent.Has.Set(0));
        world.Destination.OnAbort = static _ => new AbortOutcome.Running(new OperationProgress(FinalizeStage.Queued, 0, 1));
        world.Start();
        await world.PassUntilAsync(() => torrents.All(torrent => world.Progress(torrent.Torrent.Id)?.PiecesDone == 1), Step);
        torrents.Take(100).ToList().ForEach(torrent => world.Client.Remove(torrent));
        await world.PassUntilAsync(() => world.Destination.Count("AbortRemovedAtSource") > 24, Step);
        var polls = world.Client.Polls;
        await world.PassAsync(TimeSpan.FromSeconds(10), Step);
        Assert.That(world.Client.Polls - polls, Is.InRange(18, 21));
        Assert.That(torrents.Count(torrent => world.StateOf(torrent.Torrent.Id) == "Removing"), Is.EqualTo(100));

        world.Destination.OnAbort = static _ => null;
        await world.PassUntilAsync(() => world.Engine.Status.Torrents.Count == 110);
    }

    [Test, SourceCase(29)]
    public async Task Pieces_OfAnotherNumber_AreIgnoredAndWarnedOfOnce()
    {
        await using var world = new SourceWorld();
        var torrent = world.Client.Add(SourceWorld.Torrent("film", pieces: 12), complete: false);
        torrent.Has.Set(0);
        torrent.Told = new PieceBitmap(13);
        torrent.Told.SetAll();
        world.Start();
        for (var piece = 1; piece < 11; piece++)
        {
            var next = piece;
            world.Client.Change(() => torrent.Has.Set(next));
            await world.PassAsync(TimeSpan.FromSeconds(2));
        }

        Assert.That(torrent.PieceCalls, Is.GreaterThan(5));
        Assert.That(world.Log.Entries.Count(static entry => entry.Id.Name == "PiecesOfOtherLength"), Is.EqualTo(1));
        Assert.That(world.Client.Reads, Is.Empty);

        world.Client.Change(() => torrent.Told = null);
        world.Client.Change(torrent.Has.SetAll);
        await world.PassUntilAsync(() => world.IsSynced(torrent));
    }

    [Test, SourceCase(30)]
    public async Task Recheck_WithBitsThatFallAndReturn_SendsNoPieceTwice()
    {
        await using var world = new SourceWorld();
        var torrent = world.Client.Add(SourceWorld.Torrent("film", pieces: 12), complete: false);
        Set(world, torrent, 0, 6);
        world.Start();
        await world.PassUntilAsync(() => world.Progress(torrent.Torrent.Id)?.PiecesDone == 6);

        // Two on their way, and one that the client has and nobody can read yet.
        var link = world.Destination.Link!;
        link.HoldsAcks = true;
        world.Client.OnRead = static piece => piece == 8 ? PieceReadStatus.HashMismatch : null;
        Set(world, torrent, 6, 9);
        await world.PassUntilAsync(() => link.Held == 2 && world.Client.Reads.Contains(8));

        world.Client.Change(() =>
        {
            torrent.ForcedState = ClientTorrentState.CheckingDl;
            for (var piece = 2; piece < 9; piece++)
            {
                torrent.Has.Clear(piece);
            }
        });
        await world.PassUntilAsync(() => world.Progress(torrent.Torrent.Id)?.WaitingFor == WaitingReason.Client);
        world.Client.Change(() => torrent.ForcedState = null);
        var asked = torrent.PieceCalls;
        await world.PassUntilAsync(() => torrent.PieceCalls > asked);
        await world.PassAsync(TimeSpan.FromSeconds(2));
        world.Client.OnRead = static _ => null;
        var reads = world.Client.Reads.Count;
        await world.PassAsync(TimeSpan.FromMinutes(1));
        Assert.That(world.Client.Reads, Has.Count.EqualTo(reads), "the one that nobody could read is gone");
        Assert.That(world.Progress(torrent.Torrent.Id)!.PiecesDone, Is.EqualTo(6), "what is there is there");

        link.HoldsAcks = false;
        link.Release();
        world.Client.Change(torrent.Has.SetAll);
        await world.PassUntilAsync(() => world.IsSynced(torrent));
        Assert.That(link.MostSendsOfOne, Is.EqualTo(1));
        Assert.That(link.Sends, Is.EqualTo(12));
    }

    [Test, SourceCase(31)]
    public async Task ClientThatRefusesConnections_WithNumbersInItsTexts_RemovesNothing()
    {
        await using var world = new SourceWorld();
        var torrent = world.Client.Add(SourceWorld.Torrent("404 Not Found", pieces: 10), complete: false);
        torrent.Has.Set(0);
        var done = world.Client.Add(SourceWorld.Torrent("404", seed: 2));
        world.Start();
        await world.PassUntilAsync(() => world.Progress(torrent.Torrent.Id)?.PiecesDone == 1 && world.IsSynced(done));
        world.Client.Fault = new TorrentClientException(ClientFault.Unreachable, "sync/maindata", "404 Not Found: connection refused (host404:4040)");
        world.Client.IsDown = true;
        await world.PassAsync(TimeSpan.FromMinutes(45));
        Assert.That(world.Engine.Status.Torrents, Has.Count.EqualTo(2));
        Assert.That(world.Destination.Calls, Has.None.StartsWith("Abort"));

        world.Client.IsDown = false;
        world.Client.Change(torrent.Has.SetAll);
        await world.PassUntilAsync(() => world.IsSynced(torrent) && world.IsSynced(done));
        Assert.That(world.Log.Entries.Count(static entry => entry.Id.Name == "Strike"), Is.Zero);
    }

    [Test, SourceCase(32)]
    public async Task ClientRestarted_ComesUpEmptyThenFull_NothingIsRemovedAtOnce()
    {
        await using var world = new SourceWorld();
        world.Start();
        await world.PassUntilAsync(() => world.Engine.Status.ClientOk == true && world.Client.Polls > 3);
        var first = world.Client.Add(SourceWorld.Torrent("first"), complete: false);
        (first.Category, _) = ("new one", first.Has.Set(0));
        await world.PassUntilAsync(() => world.Progress(first.Torrent.Id)?.PiecesDone == 1);
        var second = world.Client.Add(SourceWorld.Torrent("second", seed: 2));
        await world.PassUntilAsync(() => world.IsSynced(second));

        world.Client.IsDown = true;
        await world.PassUntilAsync(() => world.Engine.Status.ClientOk == false);
        world.Client.ListsNothing = true;
        world.Client.NextIsFull = true;
        world.Client.IsDown = false;
        await world.PassAsync(TimeSpan.FromMinutes(3));
        Assert.That(world.Engine.Status.Torrents, Has.Count.EqualTo(2));
        Assert.That(world.Destination.Calls, Has.None.StartsWith("Abort").And.None.EqualTo("Start"));

        world.Client.ListsNothing = false;
        var third = world.Client.Add(SourceWorld.Torrent("third", seed: 3));
        world.Client.Change(first.Has.SetAll);
        await world.PassUntilAsync(() => world.IsSynced(first) && world.IsSynced(second) && world.IsSynced(third));
        Assert.That(world.Destination.Find(first.Torrent.Id)!.Parameters!.Category, Is.EqualTo("new one"));
    }

    private static void Set(SourceWorld world, ScriptedTorrent torrent, int from, int to) => world.Client.Change(() =>
    {
        for (var piece = from; piece < to; piece++)
        {
            torrent.Has.Set(piece);
        }
    });

    private static void AssertTenASecond(IReadOnlyList<DateTimeOffset> calls)
    {
        for (var call = 10; call < calls.Count; call++)
        {
            Assert.That(calls[call] - calls[call - 10], Is.GreaterThanOrEqualTo(TimeSpan.FromSeconds(1)));
        }
    }

    private static async Task<double> SkipsAsync(SourceWorld world)
    {
        var line = (await world.ScrapeAsync()).Split('\n').Single(static line => line.StartsWith("qbsync_idle_poll_skips_total", StringComparison.Ordinal));
        return double.Parse(line[(line.LastIndexOf(' ') + 1)..], CultureInfo.InvariantCulture);
    }
}
