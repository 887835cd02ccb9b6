using QbSync.Engine.Tests.Destination.Kit;
using QbSync.Outcomes;
using QbSync.Ports;
using QbSync.Testing.Specifications;
using QbSync.Testing.Torrents;

namespace QbSync.Engine.Tests.Destination;

/// <summary>Init, pieces, Finalize, with nothing going wrong.</summary>
public sealed class DestinationSyncTests
{
    internal static BuiltTorrent Single { get; } = new TorrentBuilder("disc.iso") { PieceLength = 65536, Length = 300_001 }.Build();

    internal static BuiltTorrent Multi { get; } = new TorrentBuilder("album") { PieceLength = 65536, Seed = 2 }
        .AddFile("one.flac", 100_000).AddFile("two.flac", 200_000).AddFile("empty.txt", 0).AddFile("art/cover.png", 70_000).Build();

    [Test]
    [MetricCase("H05"), MetricCase("L5")]
    public async Task SingleFile_Synced_IsCompleteAndStoppedAtTheClient()
    {
        await using var rig = new DestinationRig(configure: static options => options.Recheck = RecheckPolicy.Never);
        var outcome = await rig.SyncAsync(Single, DestinationRig.MakeInit(Single));
        Assert.That(outcome, Is.InstanceOf<FinalizeOutcome.Complete>());
        Assert.That(rig.Disk.Files["disc.iso"], Is.EqualTo(Single.ReadFile(0)));
        var shown = rig.Client.Only!;
        using (Assert.EnterMultipleScope())
        {
            Assert.That(shown.State, Is.EqualTo(ClientTorrentState.StoppedUp));
            Assert.That(shown.Progress, Is.EqualTo(1));
            Assert.That(shown.Category, Is.EqualTo("linux"));
            Assert.That(shown.Tags, Is.EquivalentTo(["iso", "synced"]));
            Assert.That(shown.SavePath, Is.EqualTo("/data"));
            Assert.That(rig.Client.LastAdd!.SkipCheck, Is.True);
            Assert.That((rig.Client.Adds, rig.Client.Rechecks, rig.Client.Stops, rig.Client.Starts), Is.EqualTo((1, 0, 0, 0)));
            Assert.That(rig.Metric("qbsync_torrents_synced_total", ("mode", "destination"), ("name", "disc.iso")), Is.EqualTo(1));
            Assert.That(rig.Metric("qbsync_finalization_duration_seconds_count", ("result", "success")), Is.EqualTo(1));
            Assert.That(rig.Metric("qbsync_finalization_errors_total"), Is.Zero);
        }
    }

    [Test]
    [DestinationCase(46)]
    public async Task MultiFile_Synced_HasEveryFileEvenTheEmptyOne()
    {
        await using var rig = new DestinationRig();
        var init = DestinationRig.MakeInit(Multi) with { Place = new Place("", ["movies", "new"], Torrents.ContentLayout.Original) };
        Assert.That(await rig.SyncAsync(Multi, init), Is.InstanceOf<FinalizeOutcome.Complete>());
        for (var i = 0; i < Multi.Files.Count; i++)
        {
            Assert.That(rig.Disk.Files[$"movies/new/{Multi.Files[i].RelativePath}"], Is.EqualTo(Multi.ReadFile(i)));
        }

        Assert.That(rig.Client.Only!.SavePath, Is.EqualTo("/data/movies/new"));
    }

    [Test]
    public async Task PartialSelection_Synced_IsSelectedAtTheClientAndChecked()
    {
        await using var rig = new DestinationRig();
        var init = DestinationRig.MakeInit(Multi, static file => file.Path[^1] == "two.flac");
        Assert.That(await rig.SyncAsync(Multi, init), Is.InstanceOf<FinalizeOutcome.Complete>());
        Assert.That(rig.Disk.Files.Keys, Is.EquivalentTo(["album/two.flac"]));
        using (Assert.EnterMultipleScope())
        {
            Assert.That(rig.Client.LastAdd!.SkipCheck, Is.False);
            Assert.That(rig.Client.Rechecks, Is.EqualTo(1));
            Assert.That(rig.Client.OnlyFiles.Where(static file => file.Selected).Select(static file => file.Path), Is.EqualTo(["album/two.flac"]));
            Assert.That(File.Exists(Path.Combine(rig.Disk.Data, $".{Multi.Id}.parts")));
        }
    }

    [Test]
    [DestinationCase(70)]
    public async Task FileWhole_WhileTheTorrentIsNot_IsFinalBeforeTheTorrent()
    {
        await using var rig = new DestinationRig();
        var init = DestinationRig.MakeInit(Multi);
        var open = await rig.OpenAsync(init);
        rig.Send(Multi, 0, open.Epoch);
        rig.Send(Multi, 1, open.Epoch);
        await rig.DriveAsync(() => rig.Disk.Files.ContainsKey("album/one.flac"));
        await rig.DriveAsync(() => rig.Metric("qbsync_files_early_finalized_total") == 1);
        Assert.That(await rig.FinalizeAsync(DestinationRig.MakeFinalize(init, Multi)), Is.InstanceOf<FinalizeOutcome.Incomplete>());
    }

    [Test]
    public async Task OtherNamesAtTheSource_Synced_AreThoseOfDiskAndClient()
    {
        await using var rig = new DestinationRig();
        var init = DestinationRig.MakeInit(Multi) with { Files = [new SourceFile(1, null, ["album", "2 - renamed.flac"])] };
        Assert.That(await rig.SyncAsync(Multi, init), Is.InstanceOf<FinalizeOutcome.Complete>());
        Assert.That(rig.Disk.Files, Does.ContainKey("album/2 - renamed.flac"));
        Assert.That(rig.Client.OnlyFiles[1].Path, Is.EqualTo("album/2 - renamed.flac"));
        Assert.That(rig.Client.Rechecks, Is.EqualTo(1));
    }

    [Test]
    public async Task CompleteTorrent_AskedAgain_AnswersTheSameWithoutEffect()
    {
        await using var rig = new DestinationRig();
        var init = DestinationRig.MakeInit(Single);
        await rig.SyncAsync(Single, init);
        Assert.That(await rig.InitAsync(init with { Torrent = default }), Is.InstanceOf<InitOutcome.Complete>());
        Assert.That(await rig.FinalizeAsync(DestinationRig.MakeFinalize(init, Single)), Is.InstanceOf<FinalizeOutcome.Complete>());
        Assert.That(await rig.AbortAsync(Single.Id, AbortCause.RemovedAtSource), Is.InstanceOf<AbortOutcome.Refused>());
        await rig.DriveAsync(() => rig.Engine.Status.Torrents is [{ State: "Complete", PiecesDone: 5, Pieces: 5, FinishedAt: not null }]);
        Assert.That(rig.Send(Single, 0, 1), Is.EqualTo(PieceAckStatus.Held));
        Assert.That((rig.Client.Adds, rig.Metric("qbsync_torrents_synced_total", ("mode", "destination"))), Is.EqualTo((1, 1)));
    }

    [Test]
    public async Task FilesThatAreThereAlready_Opened_NeedNoPayload()
    {
        await using var rig = new DestinationRig();
        rig.Disk.Files["disc.iso"] = Single.ReadFile(0);
        var init = DestinationRig.MakeInit(Single);
        var open = await rig.OpenAsync(init);
        Assert.That(open.Have.Count + open.Deferred.Count, Is.EqualTo(Single.Manifest.PieceCount));
        Assert.That(await rig.FinalizeAsync(DestinationRig.MakeFinalize(init, Single)), Is.InstanceOf<FinalizeOutcome.Complete>());
    }

    [Test]
    public async Task WatchAndStatus_OfAWholeSync_ShowEachStep()
    {
        await using var rig = new DestinationRig();
        using var stop = new CancellationTokenSource();
        List<DestinationTorrentState> seen = [];
        var watching = Task.Run(async () =>
        {
            await foreach (var update in rig.Engine.WatchAsync(DestinationRig.Source, stop.Token))
            {
                if (update is DestinationUpdate.Changed changed)
                {
                    lock (seen)
                    {
                        seen.Add(changed.Status.State);
                    }
                }
            }
        });
        await rig.SyncAsync(Single, DestinationRig.MakeInit(Single));
        await rig.DriveAsync(() =>
        {
            lock (seen)
            {
                return seen.Contains(DestinationTorrentState.Complete);
            }
        });
        await stop.CancelAsync();
        Assert.That(async () => await watching, Throws.InstanceOf<OperationCanceledException>());
        var other = await rig.GetStatusAsync(Single.Id, DestinationRig.Other);
        Assert.That(other.State, Is.EqualTo(DestinationTorrentState.Absent));
    }
}
