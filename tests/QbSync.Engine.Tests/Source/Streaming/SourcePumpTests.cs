using Microsoft.Extensions.Logging;
using QbSync.Engine.Tests.Source.World;
using QbSync.Outcomes;
using QbSync.Ports;
using QbSync.Testing.Specifications;

namespace QbSync.Engine.Tests.Source.Streaming;

/// <summary>Which piece goes out when: reads that fail, answers that are late, links that are cut. Measured in virtual time.</summary>
[TestFixture]
internal sealed class SourcePumpTests
{
    private static readonly TimeSpan Step = TimeSpan.FromMilliseconds(50);

    [Test, SourceCase(51)]
    public async Task AcksFivePollsLate_DuringALiveDownloadAndAtABacklogsTail_EachPieceIsSentOnce()
    {
        await using var world = new SourceWorld();
        world.Destination.Pace.AckAfter = 5 * world.Options.PollInterval;
        var live = world.Client.Add(SourceWorld.Torrent("live", pieces: 40, seed: 1), complete: false);
        var backlog = world.Client.Add(SourceWorld.Torrent("backlog", pieces: 30, seed: 2));
        live.Has.Set(0);
        world.Start();
        for (var piece = 1; piece < 40; piece++)
        {
            var next = piece;
            world.Client.Change(() => live.Has.Set(next));
            await world.PassAsync(TimeSpan.FromMilliseconds(450), Step);
        }

        await world.PassUntilAsync(() => world.IsSynced(live) && world.IsSynced(backlog), Step);
        Assert.That(world.Destination.Link!.Sends, Is.EqualTo(70));
        Assert.That(world.Destination.Link.MostSendsOfOne, Is.EqualTo(1));
    }

    [Test, SourceCase(52)]
    public async Task PiecesReportedThreeSecondsEarly_AreSentOnceTheyAreRight()
    {
        await using var world = new SourceWorld();
        var torrent = world.Client.Add(SourceWorld.Torrent("film", pieces: 20), complete: false);
        torrent.OnDisk = torrent.Has.Clone();
        world.Start();
        for (var second = 0; second < 23; second++)
        {
            var now = second;
            world.Client.Change(() =>
            {
                if (now < 20)
                {
                    torrent.Has.Set(now);
                }

                if (now >= 3)
                {
                    torrent.OnDisk!.Set(now - 3);
                }
            });
            await world.PassAsync(TimeSpan.FromSeconds(1), Step);
        }

        await world.PassUntilAsync(() => world.IsSynced(torrent), Step);
        Assert.That(world.Destination.Link!.Sends, Is.EqualTo(20));
        Assert.That(Strikes(world), Is.Zero);
    }

    [Test, SourceCase(53)]
    public async Task FileCorruptForGood_StrikesEveryTenMinutesAndFails_WithAllElseAcknowledged()
    {
        await using var world = new SourceWorld();
        var torrent = world.Client.Add(SourceWorld.Torrent("film", pieces: 6));
        torrent.OnDisk = torrent.Has.Clone();
        torrent.OnDisk.Clear(2);
        world.Start();
        await world.PassUntilAsync(() => world.Client.Reads.Contains(2), Step);
        var began = world.Time.GetUtcNow();
        for (var strike = 1; strike <= 3; strike++)
        {
            var wanted = strike;
            await world.PassAsync(TimeSpan.FromMinutes(9), TimeSpan.FromSeconds(5));
            Assert.That(Strikes(world), Is.EqualTo(strike - 1));
            await world.PassUntilAsync(() => Strikes(world) == wanted, TimeSpan.FromMilliseconds(250));
            var due = TimeSpan.FromMinutes(10 * strike);
            Assert.That(world.Time.GetUtcNow() - began, Is.InRange(due, due + (strike * TimeSpan.FromSeconds(37))), "and at most a pause of the piece later");
        }

        await world.PassUntilAsync(() => world.StateOf(torrent.Torrent.Id) == "Failed" && torrent.Tags.Contains("sync-failed"));
        Assert.That(world.Progress(torrent.Torrent.Id)!.Reason, Does.Contain("source-corrupt"));
        Assert.That(world.Destination.Find(torrent.Torrent.Id)!.Have.Count, Is.EqualTo(5));
    }

    [Test, SourceCase(45)]
    public async Task FileDeletedInMidSync_CostsAFilesCallEachFiveSeconds_AndOthersGoOn()
    {
        await using var world = new SourceWorld();
        world.Client.OnRead = static piece => piece >= 5 ? PieceReadStatus.Missing : null;
        var hurt = world.Client.Add(SourceWorld.Torrent("hurt", pieces: 12, seed: 1));
        var other = world.Client.Add(SourceWorld.Torrent("other", pieces: 4, seed: 2));
        world.Start();
        await world.PassUntilAsync(() => world.IsSynced(other) && world.Progress(hurt.Torrent.Id)?.PiecesDone == 5);
        var (files, reads) = (hurt.FilesCalls, world.Client.Reads.Count);
        await world.PassAsync(TimeSpan.FromMinutes(2), Step);
        Assert.That(hurt.FilesCalls - files, Is.InRange(2, 24));
        Assert.That(world.Client.Reads.Count - reads, Is.LessThan(7 * 12), "each backs off");
        Assert.That(Strikes(world), Is.Zero);

        world.Client.OnRead = static _ => null;
        await world.PassUntilAsync(() => world.IsSynced(hurt));
        Assert.That(world.Destination.Link!.Sends, Is.EqualTo(16));
    }

    [Test, SourceCase(56)]
    public async Task OneOfFourStreams_Lost_OnlyItsPiecesGoAgain()
    {
        await using var world = new SourceWorld();
        world.Destination.Pace.Streams = 4;
        var torrent = world.Client.Add(SourceWorld.Torrent("film", pieces: 13), complete: false);
        torrent.Has.Set(0);
        world.Start();
        await world.PassUntilAsync(() => world.Progress(torrent.Torrent.Id)?.PiecesDone == 1);
        var link = world.Destination.Link!;
        link.HoldsAcks = true;
        world.Client.Change(torrent.Has.SetAll);
        await world.PassUntilAsync(() => link.Held == 12);
        var lost = link.HeldOn(2);
        Assert.That(lost, Has.Count.EqualTo(3));

        link.LoseStream(2);
        await world.PassUntilAsync(() => link.Held == 12);
        link.HoldsAcks = false;
        link.Release();
        await world.PassUntilAsync(() => world.IsSynced(torrent));
        Assert.That(link.Sends, Is.EqualTo(16));
        Assert.That(Enumerable.Range(0, 13).Where(piece => link.SendsOf(piece) == 2), Is.EquivalentTo(lost));
    }

    [Test, SourceCase(57)]
    public async Task TwentyOutagesInTenHours_HealthyBetween_EachPauseBeginsAtASecond()
    {
        await using var world = new SourceWorld();
        var torrent = world.Client.Add(SourceWorld.Torrent("film", pieces: 30), complete: false);
        torrent.Has.Set(0);
        world.Start();
        await world.PassUntilAsync(() => world.Progress(torrent.Torrent.Id)?.PiecesDone == 1);
        var link = world.Destination.Link!;
        for (var cut = 1; cut <= 20; cut++)
        {
            await world.PassAsync(TimeSpan.FromMinutes(30));
            world.Destination.SetDown(true);
            await world.PassUntilAsync(() => !link.MayDial, Step);
            var hellos = world.Destination.Count("Hello");
            var opened = world.Time.GetUtcNow();
            await world.PassUntilAsync(() => world.Destination.Count("Hello") > hellos, Step);
            Assert.That(world.Time.GetUtcNow() - opened, Is.LessThanOrEqualTo(TimeSpan.FromSeconds(1) + (4 * Step)), $"cut {cut}");

            world.Destination.SetDown(false);
            var next = cut;
            world.Client.Change(() => torrent.Has.Set(next));
            await world.PassUntilAsync(() => world.Destination.Find(torrent.Torrent.Id)!.Have.Count == next + 1);
        }

        Assert.That(link.Sends, Is.EqualTo(21));
        Assert.That(Strikes(world), Is.Zero);
    }

    [Test, SourceCase(58)]
    public async Task LinkBack_ToTheSameIncarnation_AsksNothing_AndThreeRestartsCostAnInitEach()
    {
        await using var world = new SourceWorld();
        var torrent = world.Client.Add(SourceWorld.Torrent("film", pieces: 20), complete: false);
        torrent.Has.Set(0);
        world.Start();
        await world.PassUntilAsync(() => world.Progress(torrent.Torrent.Id)?.PiecesDone == 1);
        var link = world.Destination.Link!;
        var calls = world.Destination.Calls.Count;
        link.SetConnected(false);
        await world.PassAsync(TimeSpan.FromSeconds(1));
        link.SetConnected(true);
        world.Client.Change(() => torrent.Has.Set(1));
        await world.PassUntilAsync(() => world.Progress(torrent.Torrent.Id)?.PiecesDone == 2);
        Assert.That(world.Destination.Calls.Skip(calls), Is.All.AnyOf("Hello", "Watch"), "nothing about it");

        var lost = 0;
        for (var restart = 1; restart <= 3; restart++)
        {
            var have = restart * 5;
            world.Client.Change(() =>
            {
                for (var piece = 0; piece < have; piece++)
                {
                    torrent.Has.Set(piece);
                }
            });
            await world.PassUntilAsync(() => world.Progress(torrent.Torrent.Id)?.PiecesDone == have);
            var inits = world.Destination.Count("Init");
            world.Destination.Restart((_, piece) => piece % 3 > 0);
            lost += (have + 2) / 3;
            await world.PassUntilAsync(() => world.Destination.Find(torrent.Torrent.Id)!.Have.Count == have);
            Assert.That(world.Destination.Count("Init") - inits, Is.EqualTo(1));
        }

        world.Client.Change(torrent.Has.SetAll);
        await world.PassUntilAsync(() => world.IsSynced(torrent));
        Assert.That(link.Sends, Is.EqualTo(20 + lost));
        Assert.That(Strikes(world), Is.Zero);
    }

    [Test, SourceCase(59)]
    public async Task ThousandNotOpen_CostOneInit()
    {
        await using var world = new SourceWorld();
        var torrent = world.Client.Add(SourceWorld.Torrent("film", pieces: 1001), complete: false);
        torrent.Has.Set(0);
        world.Start();
        await world.PassUntilAsync(() => world.Progress(torrent.Torrent.Id)?.PiecesDone == 1);
        var link = world.Destination.Link!;
        var inits = world.Destination.Count("Init");
        link.HoldsAcks = true;
        link.OnPiece = static _ => PieceAckStatus.NotOpen;
        world.Client.Change(torrent.Has.SetAll);
        await world.PassUntilAsync(() => link.Held == 1000);
        link.OnPiece = static _ => null;
        link.HoldsAcks = false;
        link.Release();
        await world.PassUntilAsync(() => world.IsSynced(torrent));
        Assert.That(world.Destination.Count("Init"), Is.EqualTo(inits + 1));
    }

    [Test, SourceCase(61)]
    public async Task PiecesThatTakeSixteenSecondsEach_ForTenMinutes_FollowEachOtherWithoutAGap()
    {
        const int PieceLength = 1 << 20;
        await using var world = new SourceWorld();
        world.Destination.Pace.BytesPerSecond = PieceLength / 16;
        world.Destination.Pace.AckAfter = TimeSpan.FromSeconds(2);
        var torrent = world.Client.Add(new Testing.Torrents.TorrentBuilder("slow") { Length = 38L * PieceLength, PieceLength = PieceLength }.Build());
        world.Start();
        await world.PassUntilAsync(() => world.IsSynced(torrent), TimeSpan.FromMilliseconds(200));
        var sent = world.Destination.Link!.Sent.Select(static sent => sent.At).ToList();
        Assert.That(sent, Has.Count.EqualTo(38));
        Assert.That(sent.Zip(sent.Skip(1), static (one, next) => (next - one).TotalSeconds), Is.All.InRange(15.5, 16.5), "16 s each, within 3 %");
    }

    [Test, SourceCase(63)]
    public async Task LocalDiskError_IsTriedAgain_AndNeverToldPieceByPiece()
    {
        await using var world = new SourceWorld();
        var torrent = world.Client.Add(SourceWorld.Torrent("film", pieces: 30));
        world.Client.OnRead = static piece => piece >= 10 ? PieceReadStatus.Failed : null;
        world.Start();
        await world.PassUntilAsync(() => world.Progress(torrent.Torrent.Id)?.PiecesDone == 10);
        await world.PassAsync(TimeSpan.FromHours(1));
        Assert.That(world.StateOf(torrent.Torrent.Id), Is.EqualTo("Streaming"), "a disk that is away is no fault of the torrent");
        var told = world.Log.Entries.Where(static entry => entry.Level >= LogLevel.Information);
        Assert.That(told.Where(static entry => entry.Message.Contains("piece", StringComparison.OrdinalIgnoreCase)), Is.Empty);

        world.Client.OnRead = static _ => null;
        await world.PassUntilAsync(() => world.IsSynced(torrent));
        Assert.That(world.Destination.Link!.Sends, Is.EqualTo(30));
    }

    [Test, SourceCase(63)]
    public async Task PiecesOfAForgottenTorrent_InThePipeline_AreDropped_AndTheNextOneGetsTheLink()
    {
        await using var world = new SourceWorld();
        world.Options.ReadAhead = 4 << 20;
        world.Destination.Pace.BytesPerSecond = 16384;
        world.Destination.Pace.AckAfter = TimeSpan.FromSeconds(3);
        var gone = world.Client.Add(SourceWorld.Torrent("gone", pieces: 40, seed: 1));
        world.Start();
        await world.PassUntilAsync(() => world.Destination.Link?.Sends == 5, Step);
        world.Client.Change(() => gone.Tags.Add("no-sync"));
        await world.PassUntilAsync(() => world.Destination.Count("AbortExcluded") == 1, Step);
        var sends = world.Destination.Link!.Sends;
        var next = world.Client.Add(SourceWorld.Torrent("next", pieces: 6, seed: 2));
        await world.PassUntilAsync(() => world.IsSynced(next));
        Assert.That(world.Destination.Link.Sends, Is.EqualTo(sends + 6));
        Assert.That(Strikes(world), Is.Zero);
        Assert.That(world.Log.Entries.Where(static entry => entry.Level >= LogLevel.Warning), Is.Empty);
    }

    private static int Strikes(SourceWorld world) => world.Log.Entries.Count(static entry => entry.Id.Name == "Strike");
}
