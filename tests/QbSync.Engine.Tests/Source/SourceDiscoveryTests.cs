using QbSync.Engine.Status;
using QbSync.Engine.Tests.Source.World;
using QbSync.Ports;
using QbSync.Testing.Specifications;

namespace QbSync.Engine.Tests.Source;

/// <summary>What is taken up, what is left alone, and what a tag does.</summary>
[TestFixture]
internal sealed class SourceDiscoveryTests
{
    [Test, SourceCase(13)]
    public async Task StoppedDownload_ThatSaysItIsWhole_IsSentAndNeverFinal()
    {
        await using var world = new SourceWorld();
        var unknown = world.Client.Add(SourceWorld.Torrent("unknown", seed: 1));
        unknown.ForcedState = ClientTorrentState.StoppedDl;
        var known = world.Client.Add(SourceWorld.Torrent("known", seed: 2), complete: false);
        known.Has.Set(0);
        world.Start();
        await world.PassUntilAsync(() => world.Progress(known.Torrent.Id)?.PiecesDone == 1);
        world.Client.Change(() =>
        {
            known.Has.SetAll();
            known.ForcedState = ClientTorrentState.StoppedDl;
        });
        await world.PassUntilAsync(() => world.Progress(known.Torrent.Id)?.PiecesDone == 8);
        await world.PassAsync(TimeSpan.FromMinutes(10));
        Assert.That(world.Progress(unknown.Torrent.Id), Is.Null, "it is not discovered");
        Assert.That(world.StateOf(known.Torrent.Id), Is.EqualTo("Streaming"));
        Assert.That(world.Destination.Count("Finalize"), Is.Zero);

        world.Client.Change(() => (unknown.ForcedState, known.ForcedState) = (ClientTorrentState.StoppedUp, ClientTorrentState.StoppedUp));
        await world.PassUntilAsync(() => world.IsSynced(known) && world.IsSynced(unknown));
    }

    [Test, SourceCase(14)]
    public async Task QueuedDownload_WithoutAByte_OpensNothing()
    {
        await using var world = new SourceWorld();
        var torrent = world.Client.Add(SourceWorld.Torrent("film"), complete: false);
        torrent.ForcedState = ClientTorrentState.QueuedDl;
        world.Start();
        await world.PassUntilAsync(() => world.Progress(torrent.Torrent.Id)?.WaitingFor == WaitingReason.Download);
        await world.PassAsync(TimeSpan.FromMinutes(5));
        Assert.That(world.Destination.Calls, Has.None.EqualTo("Init").And.None.EqualTo("Finalize"));

        world.Client.Change(() => torrent.ForcedState = null);
        world.Client.Change(torrent.Has.SetAll);
        await world.PassUntilAsync(() => world.IsSynced(torrent));
    }

    [TestCase(ClientTorrentState.Error)]
    [TestCase(ClientTorrentState.MissingFiles)]
    [SourceCase(15)]
    public async Task BrokenTorrent_InMidSync_IsHeldReadsNothingAndFinishesLater(ClientTorrentState state)
    {
        await using var world = new SourceWorld();
        var torrent = world.Client.Add(SourceWorld.Torrent("film", pieces: 10), complete: false);
        torrent.Has.Set(0);
        world.Start();
        await world.PassUntilAsync(() => world.Progress(torrent.Torrent.Id)?.PiecesDone == 1);

        // A piece that could not be read before does not make up its ten minutes while nothing may be read.
        world.Client.OnRead = static piece => piece == 9 ? PieceReadStatus.Missing : null;
        world.Client.Change(torrent.Has.SetAll);
        await world.PassUntilAsync(() => world.Progress(torrent.Torrent.Id)?.PiecesDone == 9);
        world.Client.Change(() => torrent.ForcedState = state);
        await world.PassUntilAsync(() => world.Progress(torrent.Torrent.Id)?.WaitingFor == WaitingReason.Client);
        var reads = world.Client.Reads.Count;
        await world.PassAsync(TimeSpan.FromHours(1));
        Assert.That(world.Client.Reads, Has.Count.EqualTo(reads));

        world.Client.Change(() => torrent.ForcedState = null);
        await world.PassUntilAsync(() => world.Client.Reads.Count > reads);
        world.Client.OnRead = static _ => null;
        await world.PassUntilAsync(() => world.IsSynced(torrent));
        Assert.That(world.Log.Entries.Count(static entry => entry.Id.Name == "Strike"), Is.Zero);
        Assert.That(world.Destination.Link!.Sends, Is.EqualTo(10));
    }

    [Test, SourceCase(16)]
    public async Task FailedTag_OnADownloadThatWeDidNotFail_SendsNothingUntilItIsGone()
    {
        await using var world = new SourceWorld();
        var torrent = world.Client.Add(SourceWorld.Torrent("film"), complete: false);
        torrent.Has.Set(0);
        torrent.Tags.Add("sync-failed");
        world.Start();
        await world.PassUntilAsync(() => world.StateOf(torrent.Torrent.Id) == "Failed");
        world.Client.Change(torrent.Has.SetAll);
        await world.PassAsync(10 * world.Options.Sleep);
        Assert.That(world.Destination.Calls, Has.None.EqualTo("Init"));
        Assert.That(world.Client.Reads, Is.Empty);

        world.Client.Change(torrent.Tags.Clear);
        await world.PassUntilAsync(() => world.IsSynced(torrent));
    }

    [Test, SourceCase(16)]
    public async Task FailedTag_SetByHandInMidSync_LetsItRest()
    {
        await using var world = new SourceWorld();
        var torrent = world.Client.Add(SourceWorld.Torrent("film"), complete: false);
        torrent.Has.Set(0);
        world.Start();
        await world.PassUntilAsync(() => world.Progress(torrent.Torrent.Id)?.PiecesDone == 1);
        world.Client.Change(() => torrent.Tags.Add("sync-failed"));
        await world.PassUntilAsync(() => world.StateOf(torrent.Torrent.Id) == "Failed");
        world.Client.Change(torrent.Has.SetAll);
        await world.PassAsync(TimeSpan.FromMinutes(5));
        Assert.That(world.Destination.Link!.Sends, Is.EqualTo(1));

        world.Client.Change(torrent.Tags.Clear);
        await world.PassUntilAsync(() => world.IsSynced(torrent));
        Assert.That(world.Destination.Link.Sends, Is.EqualTo(8), "what the destination has is not sent again");
    }

    [Test, SourceCase(16)]
    public async Task ExcludeTag_OnADownload_SendsNothingForTenCycles()
    {
        await using var world = new SourceWorld();
        var torrent = world.Client.Add(SourceWorld.Torrent("film"), complete: false);
        torrent.Has.Set(0);
        torrent.Tags.Add("no-sync");
        world.Start();
        await world.PassUntilAsync(() => world.StateOf(torrent.Torrent.Id) == "Excluded");
        world.Client.Change(torrent.Has.SetAll);
        await world.PassAsync(10 * world.Options.Sleep);
        Assert.That(world.Destination.Calls, Has.None.EqualTo("Init").And.None.StartsWith("Abort"));
        Assert.That(world.Client.Reads, Is.Empty);

        world.Client.Change(torrent.Tags.Clear);
        await world.PassUntilAsync(() => world.IsSynced(torrent));
    }

    [Test, SourceCase(17)]
    [MetricCase("C45")]
    public async Task ExcludeTag_WhoseAbortFailsTwice_IsDeliveredOnceAndThenQuiet()
    {
        await using var world = new SourceWorld();
        var torrent = world.Client.Add(SourceWorld.Torrent("film", pieces: 10), complete: false);
        torrent.Has.Set(0);
        var faults = 2;
        world.Destination.OnAbort = _ => Interlocked.Decrement(ref faults) >= 0 ? throw new PeerException(PeerFault.Unreachable, "The line is cut.") : null;
        world.Start();
        await world.PassUntilAsync(() => world.Progress(torrent.Torrent.Id)?.PiecesDone == 1);

        // The rest comes after the tag was seen: a look at the pieces that follows an older list would rightly send them.
        world.Client.Change(() => torrent.Tags.Add("no-sync"));
        await world.PassUntilAsync(() => world.Destination.Count("AbortExcluded") > 0);
        world.Client.Change(torrent.Has.SetAll);
        await world.PassUntilAsync(() => world.Destination.Find(torrent.Torrent.Id) is null);
        await world.PassAsync(TimeSpan.FromSeconds(5));
        Assert.That(world.Destination.Count("AbortExcluded"), Is.EqualTo(3));

        var polls = world.Client.Polls;
        var calls = world.Destination.Calls.Count;
        await world.PassUntilAsync(() => world.Client.Polls >= polls + 100);
        Assert.That(world.Destination.Calls.Skip(calls), Is.All.AnyOf("Hello", "Watch"), "nothing about it");
        Assert.That(world.Destination.Link!.Sends, Is.EqualTo(1));
        Assert.That(await world.ScrapeAsync(), Does.Contain("qbsync_exclude_sync_abort_total 1"));
    }

    [Test, SourceCase(33)]
    public async Task ClientWithoutExport_IsHeldUntilItsFolderIsNamed_WithoutAStrike()
    {
        const string Text = "qBittorrent 4.2.5 does not give .torrent files: set qb-torrents-dir to its folder BT_backup.";
        await using var world = new SourceWorld();
        world.Client.OnExport = static _ => new TorrentClientException(ClientFault.Unsupported, "GetManifest", Text);
        var torrent = world.Client.Add(SourceWorld.Torrent("film"));
        world.Start();
        await world.PassUntilAsync(() => world.Progress(torrent.Torrent.Id)?.WaitingFor == WaitingReason.Metadata);
        Assert.That(world.Progress(torrent.Torrent.Id)!.Reason, Does.Contain("qb-torrents-dir"));
        await world.PassAsync(TimeSpan.FromHours(1));
        Assert.That(world.StateOf(torrent.Torrent.Id), Is.EqualTo("Initializing"));
        Assert.That(world.Log.Entries.Count(static entry => entry.Id.Name == "Strike"), Is.Zero);

        world.Client.OnExport = static _ => null;
        await world.PassUntilAsync(() => world.IsSynced(torrent));
    }

    [Test, SourceCase(34)]
    public async Task TorrentFile_OfAnotherTorrent_FailsItByName()
    {
        await using var world = new SourceWorld();
        var torrent = world.Client.Add(SourceWorld.Torrent("film", seed: 1));
        torrent.Exported = SourceWorld.Torrent("other", seed: 2).Bytes;
        world.Start();
        await world.PassUntilAsync(() => world.StateOf(torrent.Torrent.Id) == "Failed" && torrent.Tags.Contains("sync-failed"));
        Assert.That(world.Progress(torrent.Torrent.Id)!.Reason, Does.Contain("manifest"));
        Assert.That(world.Log.Entries.Count(static entry => entry.Id.Name == "Strike"), Is.EqualTo(3));
        Assert.That(world.Destination.Calls, Has.None.EqualTo("Init"));
    }
}
