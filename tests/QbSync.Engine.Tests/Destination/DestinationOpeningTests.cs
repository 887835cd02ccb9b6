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
    [DestinationCase(31)]
    public async Task Init_WithAnotherSelection_IsTheOneRecoveredAfterARestart()
    {
        await using var rig = new DestinationRig();
        var first = await rig.OpenAsync(DestinationRig.MakeInit(Torrent, static file => file.Path[^1] == "one.flac"));
        rig.Send(Torrent, 0, first.Epoch);
        var init = DestinationRig.MakeInit(Torrent, static file => file.Path[^1] != "empty.txt");
        await rig.OpenSettledAsync(init);
        await rig.RestartAsync();
        await rig.RecoveredAsync();
        Assert.That((await rig.GetStatusAsync(Torrent.Id)).Selection.ToArray(), Is.EqualTo(init.Selection.ToArray()));
        var again = await rig.OpenSettledAsync(init with { Torrent = default });
        Assert.That(again.Have[0], Is.True);
        rig.SendMissing(Torrent, again, init);
        Assert.That(await rig.FinalizeAsync(DestinationRig.MakeFinalize(init, Torrent)), Is.InstanceOf<FinalizeOutcome.Complete>());
    }

    [Test]
    [DestinationCase(82)]
    public async Task Init_WithAnotherSelectionWhileVerifying_JoinsTheOldJob()
    {
        await using var rig = new DestinationRig();
        var init = DestinationRig.MakeInit(Torrent);
        var open = await rig.OpenAsync(init);
        rig.Storage.VerifyGate = new TaskCompletionSource().Task;
        rig.SendMissing(Torrent, open, init);
        Assert.That(await rig.FinalizeAsync(DestinationRig.MakeFinalize(init, Torrent), atMost: 2), Is.InstanceOf<FinalizeOutcome.Running>());
        var fewer = DestinationRig.MakeInit(Torrent, static file => file.Path[^1] == "two.flac");
        var second = await rig.OpenSettledAsync(fewer);
        Assert.That((rig.Client.Adds, second.Epoch > open.Epoch), Is.EqualTo((0, true)));
        await rig.PassAsync(TimeSpan.FromMinutes(1));
        Assert.That((rig.Client.Adds, (await rig.GetStatusAsync(Torrent.Id)).State), Is.EqualTo((0, DestinationTorrentState.Receiving)));
        rig.SendMissing(Torrent, second, fewer);
        Assert.That(await rig.FinalizeAsync(DestinationRig.MakeFinalize(fewer, Torrent)), Is.InstanceOf<FinalizeOutcome.Complete>());
    }

    [Test]
    [DestinationCase(121)]
    public async Task Init_WithAnotherPlace_MovesWhatIsOursOrKeepsTheOldOne()
    {
        await using var rig = new DestinationRig();
        var init = DestinationRig.MakeInit(Torrent);
        var open = await rig.OpenAsync(init);
        rig.Send(Torrent, 0, open.Epoch);
        var moved = init with { Place = new Place("", ["films"], ContentLayout.Original) };
        var second = await rig.OpenAsync(moved);
        Assert.That((second.OldPlace, second.Have[0]), Is.EqualTo((false, true)));
        Assert.That(rig.Disk.Unfinished, Has.All.StartsWith("films/"));
        rig.Disk.Files["taken/album/two.flac"] = [1];
        var third = await rig.OpenAsync(init with { Place = new Place("", ["taken"], ContentLayout.Original) });
        Assert.That((third.OldPlace, third.Have[0]), Is.EqualTo((true, true)));
        Assert.That(rig.Disk.Files["taken/album/two.flac"], Is.EqualTo([1]));
        rig.SendMissing(Torrent, await rig.OpenSettledAsync(moved), moved);
        Assert.That(await rig.FinalizeAsync(DestinationRig.MakeFinalize(moved, Torrent)), Is.InstanceOf<FinalizeOutcome.Complete>());
        Assert.That(rig.Disk.Files.Keys, Does.Contain("films/album/one.flac").And.Not.Contain("album/one.flac"));
    }

    [Test]
    public async Task Init_WithAnotherFileTable_AsksForItOnceAndKeepsIt()
    {
        await using var rig = new DestinationRig();
        var init = DestinationRig.MakeInit(Torrent);
        SourceFile[] files = [new SourceFile(0, new FileIdentity(1, 2, 100_000, 0), [])];
        await rig.OpenAsync(init with { Files = files, FilesDigest = new byte[] { 1 } });
        Assert.That(await rig.InitAsync(init with { FilesDigest = new byte[] { 1 } }), Is.InstanceOf<InitOutcome.Open>());
        Assert.That(await RefuseAsync(rig, init with { FilesDigest = new byte[] { 2 } }), Is.EqualTo(RefusalReason.FilesNeeded));
        Assert.That(await rig.InitAsync(init with { Files = files, FilesDigest = new byte[] { 2 } }), Is.InstanceOf<InitOutcome.Open>());
        await rig.DriveAsync(() => rig.Storage.Request.FilesDigest.Span.SequenceEqual(new byte[] { 2 }));
        await rig.RestartAsync();
        Assert.That(await rig.InitAsync(init with { FilesDigest = new byte[] { 2 } }), Is.InstanceOf<InitOutcome.Open>());
        Assert.That(rig.Storage.Request.Identities[0], Is.EqualTo(files[0].Identity));
    }

    [Test]
    [DestinationCase(21)]
    public async Task Abort_WhileOpening_LeavesNothingAndTheNextOpenWorks()
    {
        await using var rig = new DestinationRig();
        var gate = new TaskCompletionSource();
        rig.Store.OpenGate = gate.Task;
        var init = DestinationRig.MakeInit(Torrent);
        await rig.RecoveredAsync();
        var opening = rig.Engine.InitAsync(DestinationRig.Source, init, CancellationToken.None).AsTask();
        var aborting = rig.Engine.AbortAsync(DestinationRig.Source, new AbortRequest(init.Id, AbortCause.Excluded), CancellationToken.None).AsTask();
        await rig.DriveAsync(Task.WhenAll(opening, aborting));
        gate.SetResult();
        Assert.That(await rig.AbortAsync(init.Id, AbortCause.Excluded), Is.InstanceOf<AbortOutcome.Done>());
        Assert.That((rig.Disk.TorrentCount, rig.Disk.Unfinished.Length, rig.Disk.Files.Count), Is.EqualTo((0, 0, 0)));
        Assert.That((await rig.GetStatusAsync(init.Id)).State, Is.EqualTo(DestinationTorrentState.Absent));
        Assert.That(await rig.SyncAsync(Torrent, init), Is.InstanceOf<FinalizeOutcome.Complete>());
    }

    [Test]
    [DestinationCase(116)]
    public async Task Abort_TenTimesAtOnceBetweenOpens_IsOneAndTheOpensStateIsItsOwn()
    {
        await using var rig = new DestinationRig();
        var init = DestinationRig.MakeInit(Torrent);
        var open = await rig.OpenAsync(init);
        for (var piece = 0; piece < 4; piece++)
        {
            rig.Send(Torrent, piece, open.Epoch);
        }

        var all = await rig.DriveAsync(Task.WhenAll(Enumerable.Range(0, 10).Select(_ => Task.Run(() => rig.AbortAsync(init.Id, AbortCause.Operator)))));
        Assert.That(all, Has.All.InstanceOf<AbortOutcome.Done>());
        Assert.That((rig.Disk.TorrentCount, rig.Disk.Unfinished.Length), Is.EqualTo((0, 0)));
        Assert.That((await rig.OpenAsync(init)).Have.Count, Is.Zero);
        Assert.That(await rig.AbortAsync(init.Id, AbortCause.Operator, AbortMode.Keep), Is.InstanceOf<AbortOutcome.Done>());
        Assert.That(await rig.SyncAsync(Torrent, init), Is.InstanceOf<FinalizeOutcome.Complete>());
    }

    [Test]
    public async Task Abort_ThatKeeps_LeavesUnfinishedFilesForALaterInit()
    {
        await using var rig = new DestinationRig();
        var init = DestinationRig.MakeInit(Torrent);
        var open = await rig.OpenAsync(init);
        rig.Send(Torrent, 0, open.Epoch);
        await rig.AbortAsync(init.Id, AbortCause.Operator, AbortMode.Keep);
        Assert.That((rig.Disk.TorrentCount, rig.Disk.Unfinished.Length), Is.EqualTo((0, 1)));
        Assert.That((await rig.OpenSettledAsync(init)).Have[0], Is.True);
    }

    [Test]
    [DestinationCase(28)]
    public async Task Init_OfATorrentThatAUserSeedsBelowTheRoot_IsReadThereAndSealed()
    {
        await using var rig = new DestinationRig();
        rig.Client.Plant(Torrent.Manifest, "/data/mine", ClientTorrentState.StalledUp, 1);
        for (var i = 0; i < Torrent.Files.Count; i++)
        {
            rig.Disk.Files[$"mine/{Torrent.Files[i].RelativePath}"] = Torrent.ReadFile(i);
        }

        var init = DestinationRig.MakeInit(Torrent);
        var open = await rig.OpenAsync(init);
        Assert.That(open.OldPlace, Is.True);
        Assert.That(await rig.FinalizeAsync(DestinationRig.MakeFinalize(init, Torrent)), Is.InstanceOf<FinalizeOutcome.Complete>());
        Assert.That(await rig.InitAsync(init), Is.InstanceOf<InitOutcome.Complete>());
        Assert.That((rig.Client.Adds, rig.Client.Stops, rig.Client.Only!.Tags.Count, rig.Disk.Files.Count), Is.EqualTo((0, 0, 0, Torrent.Files.Count)));
    }

    [Test]
    [DestinationCase(120)]
    public async Task Init_OfACompleteTorrentWithTheSameSelection_TouchesNothing()
    {
        await using var rig = new DestinationRig();
        var init = DestinationRig.MakeInit(Torrent);
        await rig.SyncAsync(Torrent, init);
        var (adds, rechecks, opened) = (rig.Client.Adds, rig.Client.Rechecks, rig.Store.Opened);
        for (var i = 0; i < 20; i++)
        {
            Assert.That(await rig.InitAsync(init with { Torrent = default, FilesDigest = new byte[] { (byte)i } }), Is.InstanceOf<InitOutcome.Complete>());
        }

        Assert.That((rig.Client.Adds, rig.Client.Rechecks, rig.Store.Opened), Is.EqualTo((adds, rechecks, opened)));
    }

    [TestCase(RefusalReason.RootMissing)]
    [TestCase(RefusalReason.StorageError)]
    public async Task Init_WhileTheDiskFails_IsRefusedByItsTroubleAndShown(RefusalReason reason)
    {
        await using var rig = new DestinationRig();
        rig.Store.Trouble = new Refusal(reason, "The mount is gone.");
        Assert.That(await RefuseAsync(rig, DestinationRig.MakeInit(Torrent)), Is.EqualTo(reason));
        await rig.DriveAsync(() => rig.Engine.Status.Problem == "The mount is gone.");
        Assert.That((rig.Store.Opened, rig.Disk.TorrentCount), Is.EqualTo((0, 0)));
        rig.Store.Trouble = null;
        Assert.That(await rig.InitAsync(DestinationRig.MakeInit(Torrent)), Is.InstanceOf<InitOutcome.Open>());
    }

    [Test]
    public async Task ForeignFile_OfTheRightSizeAndOtherContent_IsAConflictWhileReceivingUntilItIsMoved()
    {
        await using var rig = new DestinationRig();
        rig.Disk.Files["album/two.flac"] = new byte[200_000];
        var init = DestinationRig.MakeInit(Torrent);
        var open = await rig.OpenAsync(init);
        await rig.DriveAsync(() => rig.GetStatusAsync(init.Id).GetAwaiter().GetResult().Refusal?.Reason == RefusalReason.PathConflict);
        Assert.That((await rig.GetStatusAsync(init.Id)).State, Is.EqualTo(DestinationTorrentState.Receiving));
        rig.Disk.Files.Remove("album/two.flac");
        rig.Step = TimeSpan.FromSeconds(1);
        await rig.DriveAsync(() => rig.Storage.DeferredPieces == 0);
        rig.SendMissing(Torrent, open with { Have = rig.Storage.CopyHave(), Deferred = rig.Storage.CopyDeferred() }, init);
        Assert.That(await rig.FinalizeAsync(DestinationRig.MakeFinalize(init, Torrent)), Is.InstanceOf<FinalizeOutcome.Complete>());
    }

    [Test]
    [DestinationCase(50)]
    public async Task Init_WithAnotherSelection_OpensAnewUnderANewEpoch()
    {
        await using var rig = new DestinationRig();
        var first = await rig.OpenAsync(DestinationRig.MakeInit(Torrent, static file => file.Path[^1] == "one.flac"));
        rig.Send(Torrent, 0, first.Epoch);
        var init = DestinationRig.MakeInit(Torrent);
        var second = await rig.OpenSettledAsync(init);
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
        var open = await rig.OpenSettledAsync(init);
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
