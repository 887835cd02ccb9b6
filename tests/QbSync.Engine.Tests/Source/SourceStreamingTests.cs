using QbSync.Engine.Status;
using QbSync.Engine.Tests.Source.World;
using QbSync.Outcomes;
using QbSync.Pieces;
using QbSync.Ports;
using QbSync.Testing.Specifications;

namespace QbSync.Engine.Tests.Source;

[TestFixture]
internal sealed class SourceStreamingTests
{
    [Test]
    public async Task DownloadingTorrent_PieceByPiece_IsStreamedAsPiecesComeAndSyncedAtTheEnd()
    {
        await using var world = new SourceWorld();
        var torrent = world.Client.Add(SourceWorld.Torrent("live", pieces: 12), complete: false);
        world.Start();
        for (var piece = 11; piece >= 0; piece--)
        {
            var have = 12 - piece;
            var next = piece;
            world.Client.Change(() => torrent.Has.Set(next));
            await world.PassUntilAsync(() => world.Destination.Find(torrent.Torrent.Id)?.Have.Count == have);
        }

        await world.PassUntilAsync(() => world.IsSynced(torrent));

        Assert.That(world.Destination.Link!.Sends, Is.EqualTo(12));
        Assert.That(torrent.ExportCalls, Is.EqualTo(1));
        Assert.That(world.Destination.Count("Init"), Is.EqualTo(2), "once, and once more with the .torrent");
    }

    [Test]
    public async Task Backlog_OfManyTorrents_AllBecomeSyncedWithEveryPieceSentOnce()
    {
        await using var world = new SourceWorld();
        var torrents = Enumerable.Range(0, 20).Select(i => world.Client.Add(SourceWorld.Torrent($"t{i}", pieces: 3 + i, seed: i))).ToList();
        world.Start();

        await world.PassUntilAsync(() => torrents.All(world.IsSynced));

        Assert.That(world.Destination.Link!.Sends, Is.EqualTo(torrents.Sum(torrent => torrent.Torrent.Manifest.PieceCount)));
        Assert.That(world.Destination.Link.MostSendsOfOne, Is.EqualTo(1));
    }

    [Test]
    [SourceCase(51)]
    public async Task SlowAcks_DuringALiveDownload_EveryPieceIsSentOnce()
    {
        await using var world = new SourceWorld();
        var torrent = world.Client.Add(SourceWorld.Torrent("live", pieces: 10), complete: false);
        world.Client.Change(() => torrent.Has.Set(0));
        world.Start();
        await world.PassUntilAsync(() => world.Destination.Find(torrent.Torrent.Id)?.Have.Count == 1);
        var link = world.Destination.Link!;
        link.HoldsAcks = true;
        for (var piece = 1; piece < 10; piece++)
        {
            var next = piece;
            world.Client.Change(() => torrent.Has.Set(next));
            await world.PassUntilAsync(() => link.Held == next);
            await world.PassAsync(TimeSpan.FromSeconds(3));
        }

        Assert.That(world.StateOf(torrent.Torrent.Id), Is.EqualTo("Streaming"), "nothing is final that was not acknowledged");
        link.HoldsAcks = false;
        link.Release();
        await world.PassUntilAsync(() => world.IsSynced(torrent));

        Assert.That(link.Sends, Is.EqualTo(10));
    }

    [Test]
    [SourceCase(56)]
    public async Task LostLink_WithPiecesInFlight_SendsOnlyThoseAgain()
    {
        await using var world = new SourceWorld();
        var torrent = world.Client.Add(SourceWorld.Torrent("film", pieces: 10), complete: false);
        world.Client.Change(() => SetAll(torrent, 0, 6));
        world.Start();
        await world.PassUntilAsync(() => world.Progress(torrent.Torrent.Id)?.PiecesDone == 6);
        var link = world.Destination.Link!;
        link.HoldsAcks = true;
        world.Client.Change(() => SetAll(torrent, 6, 9));
        await world.PassUntilAsync(() => link.Held == 3);

        link.SetConnected(false);
        link.HoldsAcks = false;
        link.SetConnected(true);
        world.Client.Change(() => torrent.Has.Set(9));
        await world.PassUntilAsync(() => world.IsSynced(torrent));

        Assert.That(link.Sends, Is.EqualTo(13));
        Assert.That(link.MostSendsOfOne, Is.EqualTo(2));
    }

    [Test]
    public async Task Nack_ForAWrongHash_IsSentAgainAfterAPause()
    {
        await using var world = new SourceWorld();
        var torrent = world.Client.Add(SourceWorld.Torrent("film", pieces: 6), complete: false);
        world.Client.Change(() => torrent.Has.Set(0));
        world.Start();
        await world.PassUntilAsync(() => world.Destination.Link is not null);
        var nacks = 2;
        world.Destination.Link!.OnPiece = piece => piece.Index == 3 && Interlocked.Decrement(ref nacks) >= 0 ? PieceAckStatus.HashMismatch : null;
        world.Client.Change(() => torrent.Has.SetAll());

        await world.PassUntilAsync(() => world.IsSynced(torrent));

        Assert.That(world.Destination.Link.Sends, Is.EqualTo(8));
        Assert.That(world.Destination.Link.MostSendsOfOne, Is.EqualTo(3));
    }

    [Test]
    [SourceCase(54)]
    [MetricCase("C44")]
    public async Task PieceRejected_AgainAndAgain_FailsTheTorrentAndTagsIt()
    {
        await using var world = new SourceWorld();
        var torrent = world.Client.Add(SourceWorld.Torrent("film", pieces: 6), complete: false);
        world.Client.Change(() => torrent.Has.Set(0));
        world.Start();
        await world.PassUntilAsync(() => world.Destination.Link is not null);
        world.Destination.Link!.OnPiece = piece => piece.Index == 3 ? PieceAckStatus.HashMismatch : null;
        world.Client.Change(() => torrent.Has.SetAll());

        await world.PassUntilAsync(() => world.StateOf(torrent.Torrent.Id) == "Failed" && torrent.Tags.Contains("sync-failed"));

        Assert.That(world.Progress(torrent.Torrent.Id)!.Reason, Does.Contain("piece-rejected"));
        Assert.That(world.Destination.Count("Finalize"), Is.Zero);
        Assert.That(await world.ScrapeAsync(), Does.Contain("qbsync_sync_failed_total 1"));

        world.Destination.Link.OnPiece = static _ => null;
        await world.PassAsync(TimeSpan.FromSeconds(30));
        Assert.That(world.StateOf(torrent.Torrent.Id), Is.EqualTo("Failed"), "it rests until the user asks");
        world.Client.Change(() => torrent.Tags.Clear());
        await world.PassUntilAsync(() => world.IsSynced(torrent));
    }

    [Test]
    [SourceCase(52)]
    public async Task PieceNotOnDiskYet_ThoughTheClientHasIt_IsNotSentUntilItIs()
    {
        await using var world = new SourceWorld();
        var torrent = world.Client.Add(SourceWorld.Torrent("film", pieces: 6));
        world.Client.Change(() =>
        {
            torrent.OnDisk = torrent.Has.Clone();
            torrent.OnDisk.Clear(2);
        });
        world.Start();
        await world.PassUntilAsync(() => world.Progress(torrent.Torrent.Id)?.PiecesDone == 5);
        await world.PassAsync(TimeSpan.FromSeconds(60));
        Assert.That(world.Destination.Link!.Sends, Is.EqualTo(5));
        Assert.That(world.Client.Reads.Count(piece => piece == 2), Is.LessThan(20), "it backs off");

        world.Client.Change(() => torrent.OnDisk!.Set(2));
        await world.PassUntilAsync(() => world.IsSynced(torrent));

        Assert.That(world.Destination.Link.Sends, Is.EqualTo(6));
    }

    [Test]
    [SourceCase(58)]
    public async Task DestinationRestarted_InMidStream_OnlyWhatItLostIsSentAgain()
    {
        await using var world = new SourceWorld();
        var torrent = world.Client.Add(SourceWorld.Torrent("film", pieces: 10), complete: false);
        world.Client.Change(() => SetAll(torrent, 0, 8));
        world.Start();
        await world.PassUntilAsync(() => world.Progress(torrent.Torrent.Id)?.PiecesDone == 8);
        var inits = world.Destination.Count("Init");

        world.Destination.Restart((_, piece) => piece < 5);
        await world.PassUntilAsync(() => world.Progress(torrent.Torrent.Id)?.PiecesDone == 8 && world.Destination.Count("Init") > inits);
        world.Client.Change(() => torrent.Has.SetAll());
        await world.PassUntilAsync(() => world.IsSynced(torrent));

        Assert.That(world.Destination.Count("Init"), Is.EqualTo(inits + 1));
        Assert.That(world.Destination.Link!.Sends, Is.EqualTo(13));
        Assert.That(torrent.ExportCalls, Is.EqualTo(1));
    }

    [Test]
    public async Task NotOpen_ForEveryPieceInFlight_CostsOneInit()
    {
        await using var world = new SourceWorld();
        var torrent = world.Client.Add(SourceWorld.Torrent("film", pieces: 40), complete: false);
        world.Client.Change(() => torrent.Has.Set(0));
        world.Start();
        await world.PassUntilAsync(() => world.Progress(torrent.Torrent.Id)?.PiecesDone == 1);
        var link = world.Destination.Link!;
        var inits = world.Destination.Count("Init");
        link.HoldsAcks = true;
        link.OnPiece = static _ => PieceAckStatus.NotOpen;
        world.Client.Change(() => torrent.Has.SetAll());
        await world.PassUntilAsync(() => link.Held == 39);

        link.OnPiece = static _ => null;
        link.HoldsAcks = false;
        link.Release();
        await world.PassUntilAsync(() => world.IsSynced(torrent));

        Assert.That(world.Destination.Count("Init"), Is.EqualTo(inits + 1));
    }

    [Test]
    [SourceCase(60)]
    public async Task DiskFullThere_ByNack_WaitsSaysSoOnceAndGoesOnAtTheNews()
    {
        await using var world = new SourceWorld();
        var torrent = world.Client.Add(SourceWorld.Torrent("film", pieces: 30), complete: false);
        world.Client.Change(() => torrent.Has.Set(0));
        world.Start();
        await world.PassUntilAsync(() => world.Progress(torrent.Torrent.Id)?.PiecesDone == 1);
        var link = world.Destination.Link!;
        link.RetryAfter = TimeSpan.FromSeconds(20);
        link.OnPiece = static _ => PieceAckStatus.NoSpace;
        world.Client.Change(() => torrent.Has.SetAll());

        await world.PassUntilAsync(() => world.Progress(torrent.Torrent.Id)?.WaitingFor == WaitingReason.DestinationSpace);
        await world.PassAsync(TimeSpan.FromMinutes(5));
        Assert.That(world.Log.Entries.Count(entry => entry.Id.Name == "Strike"), Is.Zero);
        Assert.That(world.Progress(torrent.Torrent.Id)!.Reason, Does.Contain("full"));
        Assert.That(link.Sends, Is.LessThan(30), "a full disk is tried by one piece at a time");
        Assert.That(world.Log.Entries.Count(entry => entry.Id.Name == "DestinationFull"), Is.EqualTo(1));

        link.OnPiece = static _ => null;
        world.Destination.Tell(new DestinationUpdate.Room());
        await world.PassUntilAsync(() => world.IsSynced(torrent));
        Assert.That(world.Log.Entries.Count(entry => entry.Id.Name == "DestinationHasRoom"), Is.EqualTo(1));
        Assert.That(world.StateOf(torrent.Torrent.Id), Is.EqualTo("Synced"));
    }

    [Test, SourceCase(79)]
    public async Task HaveChanged_TakingPiecesBack_SendsOnlyThose()
    {
        await using var world = new SourceWorld();
        var torrent = world.Client.Add(SourceWorld.Torrent("film", pieces: 10), complete: false);
        world.Client.Change(() => SetAll(torrent, 0, 9));
        world.Start();
        await world.PassUntilAsync(() => world.Progress(torrent.Torrent.Id)?.PiecesDone == 9);
        var held = world.Destination.Find(torrent.Torrent.Id)!;
        held.Have.Clear(4);

        world.Destination.Tell(new DestinationUpdate.HaveChanged(torrent.Torrent.Id, held.Epoch, 1, held.Have.Clone(), new PieceBitmap(10)));
        await world.PassUntilAsync(() => held.Have[4]);
        world.Client.Change(() => torrent.Has.SetAll());
        await world.PassUntilAsync(() => world.IsSynced(torrent));

        Assert.That(world.Destination.Link!.Sends, Is.EqualTo(11));
    }

    [Test]
    [SourceCase(48)]
    public async Task LargePieces_BeyondTheReadAhead_AreReadTwiceAndArrive()
    {
        await using var world = new SourceWorld();
        world.Options.ReadAhead = 4 << 20;
        var big = new Testing.Torrents.TorrentBuilder("big") { Length = (3 * (2 << 20)) + 77, PieceLength = 2 << 20 }.Build();
        var torrent = world.Client.Add(big);
        world.Start();

        await world.PassUntilAsync(() => world.IsSynced(torrent));

        Assert.That(world.Destination.Find(big.Id)!.Have.IsFull, Is.True);
        Assert.That(world.Client.Reads, Is.EqualTo([3]), "only the short last piece was held whole");
    }

    private static void SetAll(ScriptedTorrent torrent, int from, int to)
    {
        for (var piece = from; piece < to; piece++)
        {
            torrent.Has.Set(piece);
        }
    }
}
