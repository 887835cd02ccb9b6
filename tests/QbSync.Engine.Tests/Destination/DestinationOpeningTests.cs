using QbSync.Engine.Tests.Destination.Kit;
using QbSync.Outcomes;
using QbSync.Ports;
using QbSync.Testing.Specifications;
using QbSync.Testing.Torrents;
using QbSync.Torrents;

namespace QbSync.Engine.Tests.Destination;

/// <summary>What Init refuses, joins and keeps apart.</summary>
public sealed class DestinationOpeningTests
{
    private static BuiltTorrent Torrent => DestinationSyncTests.Multi;

    [Test]
    public async Task Init_WithoutTheTorrent_AsksForIt()
    {
        await using var rig = new DestinationRig();
        Assert.That(await RefuseAsync(rig, DestinationRig.MakeInit(Torrent) with { Torrent = default }), Is.EqualTo(RefusalReason.TorrentFileNeeded));
        Assert.That(
            await RefuseAsync(rig, DestinationRig.MakeInit(Torrent) with { FilesDigest = new byte[32] }), Is.EqualTo(RefusalReason.FilesNeeded));
    }

    [Test]
    [DestinationCase(5)]
    public async Task Init_WithTheTorrentOfAnother_IsRefused()
    {
        await using var rig = new DestinationRig();
        var init = DestinationRig.MakeInit(Torrent) with { Torrent = DestinationSyncTests.Single.Bytes };
        Assert.That(await RefuseAsync(rig, init), Is.EqualTo(RefusalReason.InfoHashMismatch));
        Assert.That(await RefuseAsync(rig, init with { Torrent = new byte[] { 1, 2, 3 } }), Is.EqualTo(RefusalReason.InvalidTorrent));
        Assert.That((await rig.GetStatusAsync(Torrent.Id)).State, Is.EqualTo(DestinationTorrentState.Absent));
        Assert.That(rig.Disk.TorrentCount, Is.Zero);
    }

    [TestCase("..")]
    [TestCase("a/b")]
    [TestCase(".qbsync")]
    [TestCase("")]
    public async Task Init_WithASubPathThatLeavesTheRoot_IsRefused(string part)
    {
        await using var rig = new DestinationRig();
        var init = DestinationRig.MakeInit(Torrent) with { Place = new Place("", [part], ContentLayout.Original) };
        Assert.That(await RefuseAsync(rig, init), Is.EqualTo(RefusalReason.PathRefused));
        Assert.That(rig.Store.Opened, Is.Zero);
    }

    [Test]
    public async Task Init_WithASelectionThatDoesNotFit_IsMalformed()
    {
        await using var rig = new DestinationRig();
        Assert.That(await RefuseAsync(rig, DestinationRig.MakeInit(Torrent) with { Selection = new byte[9] }), Is.EqualTo(RefusalReason.Malformed));
        Assert.That(await RefuseAsync(rig, DestinationRig.MakeInit(Torrent, static _ => false)), Is.EqualTo(RefusalReason.Malformed));
        Assert.That(await RefuseAsync(rig, DestinationRig.MakeInit(Torrent) with { Id = InfoHash.None }), Is.EqualTo(RefusalReason.Malformed));
    }

    [Test]
    [DestinationCase(15)]
    public async Task Init_TenTimesAtOnce_OpensOnce()
    {
        await using var rig = new DestinationRig();
        var init = DestinationRig.MakeInit(Torrent);
        await rig.DriveAsync(rig.Engine.HelloAsync(DestinationRig.Source, CancellationToken.None).AsTask());
        var all = await rig.DriveAsync(Task.WhenAll(Enumerable.Range(0, 10).Select(_ => Task.Run(() => rig.InitAsync(init)))));
        Assert.That(all, Has.All.InstanceOf<InitOutcome.Open>());
        Assert.That(all.Cast<InitOutcome.Open>().Select(static open => open.Epoch).Distinct().ToArray(), Has.Length.EqualTo(1));
        Assert.That(rig.Store.Opened, Is.EqualTo(1));
    }

    [Test]
    public async Task Init_OfAnotherSource_IsRefusedAndSeesNothing()
    {
        await using var rig = new DestinationRig();
        var init = DestinationRig.MakeInit(Torrent);
        var open = await rig.OpenAsync(init);
        Assert.That(await rig.InitAsync(init, DestinationRig.Other), Is.InstanceOf<InitOutcome.Refused>().With.Property("Refusal").Property("Reason").EqualTo(RefusalReason.OtherSource));
        Assert.That(rig.Engine.Begin(DestinationRig.Other, new Pieces.PieceRef(Torrent.Id, 0), open.Epoch, out _), Is.EqualTo(PieceAckStatus.NotOpen));
        var abort = await rig.Engine.AbortAsync(DestinationRig.Other, new AbortRequest(Torrent.Id, AbortCause.Operator), CancellationToken.None);
        Assert.That(abort, Is.EqualTo(new AbortOutcome.Done(0, 0)));
        Assert.That((await rig.GetStatusAsync(Torrent.Id)).State, Is.EqualTo(DestinationTorrentState.Receiving));
    }

    [Test]
    public async Task Init_WhereAForeignFileStands_IsAConflict()
    {
        await using var rig = new DestinationRig();
        rig.Disk.Files["album/one.flac"] = [1, 2, 3];
        Assert.That(await RefuseAsync(rig, DestinationRig.MakeInit(Torrent)), Is.EqualTo(RefusalReason.PathConflict));
        Assert.That(rig.Disk.Files["album/one.flac"], Is.EqualTo([1, 2, 3]));
    }

    [Test]
    public async Task Init_WithAnotherSelection_OpensAnewUnderANewEpoch()
    {
        await using var rig = new DestinationRig();
        var first = await rig.OpenAsync(DestinationRig.MakeInit(Torrent, static file => file.Path[^1] == "one.flac"));
        rig.Send(Torrent, 0, first.Epoch);
        var init = DestinationRig.MakeInit(Torrent);
        var second = await rig.OpenAsync(init);
        Assert.That(second.Epoch, Is.GreaterThan(first.Epoch));
        Assert.That(rig.Send(Torrent, 3, first.Epoch), Is.EqualTo(PieceAckStatus.StaleEpoch));
        rig.SendMissing(Torrent, second, init);
        Assert.That(await rig.FinalizeAsync(DestinationRig.MakeFinalize(init, Torrent)), Is.InstanceOf<FinalizeOutcome.Complete>());
    }

    [Test]
    public async Task Init_WithMoreFilesAfterComplete_KeepsWhatIsFinalAndTheClientsEntry()
    {
        await using var rig = new DestinationRig();
        await rig.SyncAsync(Torrent, DestinationRig.MakeInit(Torrent, static file => file.Path[^1] == "one.flac"));
        var init = DestinationRig.MakeInit(Torrent);
        var open = await rig.OpenAsync(init);
        Assert.That(open.Have[0], Is.True);
        rig.SendMissing(Torrent, open, init);
        Assert.That(await rig.FinalizeAsync(DestinationRig.MakeFinalize(init, Torrent)), Is.InstanceOf<FinalizeOutcome.Complete>());
        Assert.That(rig.Client.Adds, Is.EqualTo(1));
        Assert.That(rig.Client.OnlyFiles.All(static file => file.Selected), Is.True);
    }

    [Test]
    [DestinationCase(83)]
    public async Task Finalize_WithAnotherSelection_IsSelectionChanged()
    {
        await using var rig = new DestinationRig();
        await rig.OpenAsync(DestinationRig.MakeInit(Torrent));
        var finalize = DestinationRig.MakeFinalize(DestinationRig.MakeInit(Torrent, static file => file.Index == 0), Torrent);
        Assert.That(
            await rig.FinalizeAsync(finalize), Is.InstanceOf<FinalizeOutcome.Refused>().With.Property("Refusal").Property("Reason").EqualTo(RefusalReason.SelectionChanged));
    }

    [TestCase(ClientTorrentState.Downloading, 0.5, RefusalReason.ClientIncomplete)]
    [TestCase(ClientTorrentState.StoppedDl, 1.0, RefusalReason.ClientIncomplete)]
    [TestCase(ClientTorrentState.CheckingUp, 1.0, RefusalReason.ClientChecking)]
    [TestCase(ClientTorrentState.MissingFiles, 0.0, RefusalReason.ClientMissingFiles)]
    [DestinationCase(26)]
    [DestinationCase(27)]
    public async Task Init_OfATorrentThatTheClientHas_IsRefusedByItsState(ClientTorrentState state, double progress, RefusalReason reason)
    {
        await using var rig = new DestinationRig();
        rig.Client.Plant(Torrent.Manifest, "/data", state, progress);
        Assert.That(await RefuseAsync(rig, DestinationRig.MakeInit(Torrent)), Is.EqualTo(reason));
        Assert.That(rig.Store.Opened, Is.Zero);
    }

    [Test]
    [DestinationCase(28)]
    public async Task Init_OfATorrentThatSeedsElsewhere_IsClientElsewhere()
    {
        await using var rig = new DestinationRig();
        rig.Client.Plant(Torrent.Manifest, "/other", ClientTorrentState.StalledUp, 1);
        Assert.That(await RefuseAsync(rig, DestinationRig.MakeInit(Torrent)), Is.EqualTo(RefusalReason.ClientElsewhere));
    }

    [Test]
    [DestinationCase(28)]
    public async Task Sync_OfATorrentThatAUserSeedsThere_TouchesNothingOfIt()
    {
        await using var rig = new DestinationRig();
        rig.Client.Plant(Torrent.Manifest, "/data", ClientTorrentState.StalledUp, 1);
        for (var i = 0; i < Torrent.Files.Count; i++)
        {
            rig.Disk.Files[Torrent.Files[i].RelativePath] = Torrent.ReadFile(i);
        }

        Assert.That(await rig.SyncAsync(Torrent, DestinationRig.MakeInit(Torrent)), Is.InstanceOf<FinalizeOutcome.Complete>());
        Assert.That((rig.Client.Adds, rig.Client.Stops, rig.Client.Only!.Tags.Count), Is.EqualTo((0, 0, 0)));
    }

    [Test]
    [DestinationCase(29)]
    public async Task Init_WhileTheClientIsSilent_IsUnreachableAndReceivingGoesOn()
    {
        await using var rig = new DestinationRig();
        var open = await rig.OpenAsync(DestinationRig.MakeInit(Torrent));
        rig.Client.IsDown = true;
        Assert.That(await RefuseAsync(rig, DestinationRig.MakeInit(DestinationSyncTests.Single)), Is.EqualTo(RefusalReason.ClientUnreachable));
        Assert.That(rig.Send(Torrent, 0, open.Epoch), Is.EqualTo(PieceAckStatus.Accepted));
        Assert.That(await rig.InitAsync(DestinationRig.MakeInit(Torrent)), Is.InstanceOf<InitOutcome.Open>());
    }

    [Test]
    [DestinationCase(15)]
    public async Task Unknown_Torrent_HasPlainAnswers()
    {
        await using var rig = new DestinationRig();
        await rig.DriveAsync(rig.Engine.HelloAsync(DestinationRig.Source, CancellationToken.None).AsTask());
        Assert.That(await rig.AbortAsync(Torrent.Id, AbortCause.Excluded), Is.EqualTo(new AbortOutcome.Done(0, 0)));
        Assert.That(await rig.FinalizeAsync(DestinationRig.MakeFinalize(DestinationRig.MakeInit(Torrent), Torrent)), Is.InstanceOf<FinalizeOutcome.Unknown>());
        Assert.That(rig.Send(Torrent, 0, 1), Is.EqualTo(PieceAckStatus.NotOpen));
    }

    private static async Task<RefusalReason> RefuseAsync(DestinationRig rig, InitRequest init)
    {
        var outcome = await rig.InitAsync(init);
        Assert.That(outcome, Is.InstanceOf<InitOutcome.Refused>());
        return ((InitOutcome.Refused)outcome).Refusal.Reason;
    }
}
