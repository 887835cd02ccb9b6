using QbSync.Engine.Tests.Destination.Kit;
using QbSync.Outcomes;
using QbSync.Ports;
using QbSync.Testing.Specifications;
using QbSync.Testing.Torrents;

namespace QbSync.Engine.Tests.Destination;

/// <summary>The whole destination over a real disk: store, engine, folder client.</summary>
public sealed class DestinationOnDiskTests
{
    private static IEnumerable<TestCaseData> Torrents()
    {
        yield return new TestCaseData(DestinationSyncTests.Single).SetArgDisplayNames("single");
        yield return new TestCaseData(DestinationSyncTests.Multi).SetArgDisplayNames("multi");
        yield return new TestCaseData(Make(TorrentVersion.Hybrid)).SetArgDisplayNames("hybrid");
        yield return new TestCaseData(Make(TorrentVersion.V2)).SetArgDisplayNames("v2");
        yield return new TestCaseData(new TorrentBuilder("пластинка ☂") { PieceLength = 16384, Length = 100_000, Seed = 5 }.Build()).SetArgDisplayNames("unicode");
    }

    [TestCaseSource(nameof(Torrents))]
    public async Task Torrent_Synced_IsOnTheDiskAndInTheClient(BuiltTorrent torrent)
    {
        await using var rig = new DiskRig();
        var init = DestinationRig.MakeInit(torrent);
        var open = (InitOutcome.Open)await rig.InitAsync(init);
        await rig.SendAsync(torrent, open, init);
        var outcome = await rig.FinalizeAsync(DestinationRig.MakeFinalize(init, torrent));
        Assert.That(outcome, Is.InstanceOf<FinalizeOutcome.Complete>());
        Assert.That(torrent.FindDifference(rig.Data), Is.Null);
        Assert.That(rig.Unfinished, Is.Empty);
        var shown = await rig.Client.FindAsync(torrent.Manifest.V1, torrent.Manifest.V2, CancellationToken.None);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(shown!.State, Is.EqualTo(ClientTorrentState.StoppedUp));
            Assert.That(shown.IsComplete, Is.True);
            Assert.That(shown.Category, Is.EqualTo("linux"));
            Assert.That(shown.Tags, Is.EquivalentTo(["iso", "synced"]));
        }
    }

    [Test]
    [DestinationCase(17)]
    public async Task PartialSelection_Synced_HasTheSelectedFilesOnly()
    {
        await using var rig = new DiskRig();
        var torrent = DestinationSyncTests.Multi;
        var init = DestinationRig.MakeInit(torrent, static file => file.Path[^1] == "two.flac");
        await rig.SendAsync(torrent, (InitOutcome.Open)await rig.InitAsync(init), init);
        Assert.That(await rig.FinalizeAsync(DestinationRig.MakeFinalize(init, torrent)), Is.InstanceOf<FinalizeOutcome.Complete>());
        Assert.That(torrent.FindDifference(rig.Data, static file => file.Path[^1] == "two.flac"), Is.Null);
        Assert.That(Directory.GetFiles(Path.Combine(rig.Data, "album"), "*", SearchOption.AllDirectories), Has.Length.EqualTo(1));
    }

    [Test]
    public async Task Restart_InTheMiddle_KeepsWhatWasReceivedAndFinishes()
    {
        await using var rig = new DiskRig();
        var torrent = DestinationSyncTests.Multi;
        var init = DestinationRig.MakeInit(torrent);
        await rig.SendAsync(torrent, (InitOutcome.Open)await rig.InitAsync(init), init, static piece => piece < 3);
        await rig.StopAsync();
        rig.Start();
        var open = (InitOutcome.Open)await rig.InitAsync(init with { Torrent = default });
        Assert.That(open.Have.Count, Is.EqualTo(3));
        await rig.SendAsync(torrent, open, init);
        Assert.That(await rig.FinalizeAsync(DestinationRig.MakeFinalize(init, torrent)), Is.InstanceOf<FinalizeOutcome.Complete>());
        Assert.That(torrent.FindDifference(rig.Data), Is.Null);
    }

    [Test]
    public async Task Restart_AfterComplete_IsCompleteStill()
    {
        await using var rig = new DiskRig();
        var torrent = DestinationSyncTests.Single;
        var init = DestinationRig.MakeInit(torrent);
        await rig.SendAsync(torrent, (InitOutcome.Open)await rig.InitAsync(init), init);
        await rig.FinalizeAsync(DestinationRig.MakeFinalize(init, torrent));
        await rig.StopAsync();
        rig.Start();
        Assert.That(await rig.InitAsync(init), Is.InstanceOf<InitOutcome.Complete>());
    }

    [Test]
    public async Task BytesSpoiledOnTheDisk_AreFoundByTheReadBackAndSentAgain()
    {
        await using var rig = new DiskRig();
        rig.Logs.Expect(static entry => entry.Id.Name == "ReadBackFailed");
        var torrent = new TorrentBuilder("spoiled") { PieceLength = 65536, Seed = 9 }.AddFile("a", 200_000).AddFile("b", 200_000).Build();
        var init = DestinationRig.MakeInit(torrent);
        var open = (InitOutcome.Open)await rig.InitAsync(init);
        await rig.SendAsync(torrent, open, init, static piece => piece < 2);
        using (var partial = File.OpenHandle(rig.Unfinished.Single(), FileMode.Open, FileAccess.Write, FileShare.ReadWrite))
        {
            RandomAccess.Write(partial, [1, 2, 3, 4, 5, 6, 7, 8], 70_000);
        }

        await rig.SendAsync(torrent, open, init, static piece => piece >= 2);
        var outcome = await rig.FinalizeAsync(DestinationRig.MakeFinalize(init, torrent));
        Assert.That(outcome, Is.InstanceOf<FinalizeOutcome.Incomplete>());
        var incomplete = (FinalizeOutcome.Incomplete)outcome;
        Assert.That((incomplete.Have.Count, incomplete.Have[1]), Is.EqualTo((torrent.Manifest.PieceCount - 1, false)));
        await rig.SendAsync(torrent, open with { Have = incomplete.Have, Epoch = incomplete.Epoch }, init);
        Assert.That(await rig.FinalizeAsync(DestinationRig.MakeFinalize(init, torrent)), Is.InstanceOf<FinalizeOutcome.Complete>());
        Assert.That(torrent.FindDifference(rig.Data), Is.Null);
    }

    [Test]
    public async Task Abort_InTheMiddle_LeavesNothingUnfinished()
    {
        await using var rig = new DiskRig();
        var torrent = DestinationSyncTests.Multi;
        var init = DestinationRig.MakeInit(torrent);
        await rig.SendAsync(torrent, (InitOutcome.Open)await rig.InitAsync(init), init, static piece => piece is 0 or 3);
        AbortOutcome outcome;
        do
        {
            outcome = await rig.DriveAsync(
                rig.Engine.AbortAsync(DestinationRig.Source, new AbortRequest(torrent.Id, AbortCause.RemovedAtSource), CancellationToken.None).AsTask());
        }
        while (outcome is AbortOutcome.Running);
        Assert.That(outcome, Is.InstanceOf<AbortOutcome.Done>());
        Assert.That(rig.Unfinished, Is.Empty);
        Assert.That(Directory.Exists(Path.Combine(rig.Data, "album")), Is.False);
    }

    [Test]
    public async Task OtherSelection_AfterComplete_BringsTheRestAndKeepsTheClientsEntry()
    {
        await using var rig = new DiskRig();
        var torrent = DestinationSyncTests.Multi;
        var first = DestinationRig.MakeInit(torrent, static file => file.Path[^1] == "two.flac");
        await rig.SendAsync(torrent, (InitOutcome.Open)await rig.InitAsync(first), first);
        await rig.FinalizeAsync(DestinationRig.MakeFinalize(first, torrent));
        var all = DestinationRig.MakeInit(torrent);
        var open = (InitOutcome.Open)await rig.InitAsync(all);
        Assert.That(open.Have.Count, Is.GreaterThan(0));
        while (open.Deferred.Count > 0)
        {
            open = (InitOutcome.Open)await rig.InitAsync(all);
        }

        await rig.SendAsync(torrent, open, all);
        Assert.That(await rig.FinalizeAsync(DestinationRig.MakeFinalize(all, torrent)), Is.InstanceOf<FinalizeOutcome.Complete>());
        Assert.That(torrent.FindDifference(rig.Data), Is.Null);
    }

    private static BuiltTorrent Make(TorrentVersion version) => new TorrentBuilder($"{version}") { PieceLength = 32768, Version = version, Seed = 3 }
        .AddFile("a.bin", 100_001).AddFile("b.bin", 5).AddFile("c/empty", 0).AddFile("c/d.bin", 65_536).Build();
}
