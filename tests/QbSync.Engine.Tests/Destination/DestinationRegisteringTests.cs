using QbSync.Engine.Tests.Destination.Kit;
using QbSync.Outcomes;
using QbSync.Ports;
using QbSync.Testing.Specifications;
using QbSync.Testing.Torrents;

namespace QbSync.Engine.Tests.Destination;

/// <summary>Registering step by step: what is lost, set back, stuck, or found half done.</summary>
public sealed class DestinationRegisteringTests
{
    private static BuiltTorrent Torrent => DestinationSyncTests.Single;

    private static BuiltTorrent Multi => DestinationSyncTests.Multi;

    [Test]
    [DestinationCase(87)]
    public async Task Add_LostWithoutEffect_IsMadeAgainAfterALook()
    {
        await using var rig = new DestinationRig();
        (rig.Client.LosesAddReply, rig.Client.IgnoresAdds) = (true, true);
        rig.Step = TimeSpan.FromSeconds(1);
        var init = DestinationRig.MakeInit(Torrent);
        rig.SendMissing(Torrent, await rig.OpenAsync(init), init);
        var finalizing = rig.FinalizeAsync(DestinationRig.MakeFinalize(init, Torrent), atMost: 5000);
        await rig.DriveAsync(() => rig.Client.Adds == 1);
        var began = rig.Time.GetUtcNow();
        rig.Client.IgnoresAdds = false;
        Assert.That(await finalizing, Is.TypeOf<FinalizeOutcome.Complete>());
        Assert.That(rig.Client.Adds, Is.EqualTo(2));
        Assert.That(rig.Time.GetUtcNow() - began, Is.GreaterThan(TimeSpan.FromSeconds(60)).And.LessThan(TimeSpan.FromMinutes(3)));
    }

    [TestCase(ClientFault.Conflict)]
    [TestCase(ClientFault.Rejected)]
    [DestinationCase(87)]
    public async Task Add_AnsweredWithAFaultThoughDone_IsFoundAndNotRepeated(ClientFault fault)
    {
        await using var rig = new DestinationRig();
        rig.Client.AddFault = fault;
        Assert.That(await rig.SyncAsync(Torrent, DestinationRig.MakeInit(Torrent)), Is.TypeOf<FinalizeOutcome.Complete>());
        Assert.That(rig.Client.Adds, Is.EqualTo(1));
    }

    [Test]
    [DestinationCase(88)]
    public async Task Category_Missing_IsMadeBeforeTheAdd()
    {
        await using var rig = new DestinationRig();
        Assert.That(await rig.SyncAsync(Torrent, DestinationRig.MakeInit(Torrent)), Is.TypeOf<FinalizeOutcome.Complete>());
        Assert.That(rig.Client.Categories, Is.EquivalentTo(["linux"]));
        Assert.That((rig.Client.LastAdd!.Category, rig.Client.Only!.Category), Is.EqualTo(("linux", "linux")));
    }

    [Test]
    [DestinationCase(88)]
    public async Task Category_ThatCannotBeMade_IsLeftOutAndRepairedLater()
    {
        await using var rig = new DestinationRig();
        rig.Client.FailsCategories = true;
        Assert.That(await rig.SyncAsync(Torrent, DestinationRig.MakeInit(Torrent)), Is.TypeOf<FinalizeOutcome.Complete>());
        Assert.That((rig.Client.LastAdd!.Category, rig.Client.Only!.Category), Is.EqualTo(("", "")));
        Assert.That(rig.Metric("qbsync_tag_application_errors_total", ("mode", "destination")), Is.Zero, "a category is no tag");
        rig.Client.FailsCategories = false;
        await rig.DriveAsync(() => rig.Client.Only!.Category == "linux");
    }

    [Test]
    [DestinationCase(89)]
    public async Task Selection_DroppedOnce_IsSetAgain()
    {
        await using var rig = new DestinationRig();
        rig.Client.DropsNextSelection = true;
        rig.Step = TimeSpan.FromSeconds(1);
        Assert.That(await SyncPartAsync(rig), Is.TypeOf<FinalizeOutcome.Complete>());
        Assert.That(rig.Client.OnlyFiles.Count(static file => file.Selected), Is.EqualTo(1));
    }

    [Test]
    [DestinationCase(89)]
    public async Task Selection_SetBackByTheCheck_IsSetAndCheckedAgain()
    {
        await using var rig = new DestinationRig();
        rig.Client.NextCheckResetsSelection = true;
        Assert.That(await SyncPartAsync(rig), Is.TypeOf<FinalizeOutcome.Complete>());
        Assert.That(rig.Client.OnlyFiles.Count(static file => file.Selected), Is.EqualTo(1));
        Assert.That(rig.Client.Rechecks, Is.EqualTo(2));
    }

    [Test]
    [DestinationCase(89)]
    public async Task FileList_Empty_IsWaitedFor()
    {
        await using var rig = new DestinationRig();
        rig.Client.EmptyFileLists = 3;
        Assert.That(await SyncPartAsync(rig), Is.TypeOf<FinalizeOutcome.Complete>());
        Assert.That(rig.Client.OnlyFiles.Count(static file => file.Selected), Is.EqualTo(1));
    }

    [Test]
    [DestinationCase(91)]
    public async Task Names_ThatTheClientSanitisesOtherwise_AreRenamedInTheClientAndChecked()
    {
        await using var rig = new DestinationRig();
        rig.Client.Sanitises = static name => name.Replace('.', '_');
        Assert.That(await rig.SyncAsync(Multi, DestinationRig.MakeInit(Multi)), Is.TypeOf<FinalizeOutcome.Complete>());
        Assert.That(rig.Client.OnlyFiles.Select(static file => file.Path), Is.EquivalentTo(Multi.Files.Select(static file => string.Join('/', file.Path))));
        Assert.That(rig.Client.Rechecks, Is.EqualTo(1));
    }

    [Test]
    [DestinationCase(92)]
    public async Task Check_OfManyHoursThatMoves_IsWaitedFor()
    {
        await using var rig = new DestinationRig();
        rig.Options.Recheck = RecheckPolicy.Always;
        rig.Client.LooksPerCheck = 1000;
        rig.Step = TimeSpan.FromSeconds(30);
        var began = rig.Time.GetUtcNow();
        Assert.That(await rig.SyncAsync(Torrent, DestinationRig.MakeInit(Torrent), atMost: 100_000), Is.TypeOf<FinalizeOutcome.Complete>());
        Assert.That(rig.Time.GetUtcNow() - began, Is.GreaterThan(TimeSpan.FromHours(2)));
        Assert.That(rig.Client.Rechecks, Is.EqualTo(1));
    }

    [Test]
    [DestinationCase(92)]
    [ClientCase(44)]
    public async Task Check_BehindOthers_DoesNotCountAsStandingStill()
    {
        await using var rig = new DestinationRig();
        rig.Options.Recheck = RecheckPolicy.Always;
        rig.Step = TimeSpan.FromSeconds(5);
        for (var i = 0; i < 300; i++)
        {
            rig.Client.Plant(new TorrentBuilder($"other {i}") { Length = 10, Seed = i + 1000 }.Build().Manifest, "/elsewhere", ClientTorrentState.CheckingUp, 0.1);
        }

        rig.Client.ChecksAreStuck = true;
        var init = DestinationRig.MakeInit(Torrent);
        rig.SendMissing(Torrent, await rig.OpenAsync(init), init);
        var finalizing = rig.FinalizeAsync(DestinationRig.MakeFinalize(init, Torrent), atMost: 100_000);
        await rig.DriveAsync(() => rig.Client.Rechecks == 1);
        await rig.PassAsync(TimeSpan.FromMinutes(30));
        Assert.That((rig.Client.Rechecks, finalizing.IsCompleted), Is.EqualTo((1, false)));
        rig.Client.ChecksAreStuck = false;
        Assert.That(await finalizing, Is.TypeOf<FinalizeOutcome.Complete>());
    }

    [Test]
    [DestinationCase(92)]
    public async Task Check_ThatIsStuck_IsAskedForOnceMoreThenRefused()
    {
        await using var rig = new DestinationRig();
        rig.Options.Recheck = RecheckPolicy.Always;
        rig.Client.ChecksAreStuck = true;
        rig.Step = TimeSpan.FromSeconds(5);
        var began = rig.Time.GetUtcNow();
        var outcome = await rig.SyncAsync(Torrent, DestinationRig.MakeInit(Torrent), atMost: 100_000);
        Assert.That(DestinationClientTests.GetReason(outcome), Is.EqualTo(RefusalReason.ClientRefused));
        Assert.That(rig.Client.Rechecks, Is.EqualTo(2));
        Assert.That(rig.Time.GetUtcNow() - began, Is.GreaterThan(2 * rig.Options.PollTimeout));
    }

    [TestCase(ClientTorrentState.Error)]
    [TestCase(ClientTorrentState.MissingFiles)]
    [DestinationCase(93)]
    public async Task Torrent_ThatEndsBroken_IsCheckedOnceThenNamedWithinTwoMinutes(ClientTorrentState state)
    {
        await using var rig = new DestinationRig(configure: static options => options.Recheck = RecheckPolicy.Never);
        rig.Client.StateAfterCheck = state;
        var began = rig.Time.GetUtcNow();
        var outcome = await rig.SyncAsync(Torrent, DestinationRig.MakeInit(Torrent));
        Assert.That(DestinationClientTests.GetReason(outcome), Is.EqualTo(RefusalReason.ClientMissingFiles));
        Assert.That(rig.Time.GetUtcNow() - began, Is.LessThan(TimeSpan.FromMinutes(2)));
        Assert.That(rig.Client.Rechecks, Is.EqualTo(1));
        Assert.That(rig.Client.Only!.Tags, Does.Not.Contain("synced"));
        await rig.RestartAsync();
        await rig.DriveAsync(() => rig.GetStatusAsync(Torrent.Id).GetAwaiter().GetResult() is
        { State: DestinationTorrentState.Failed, Refusal.Reason: RefusalReason.ClientMissingFiles });
    }

    [TestCase(ClientTorrentState.StalledUp)]
    [TestCase(ClientTorrentState.StalledDl)]
    [DestinationCase(94)]
    public async Task Torrent_ActiveAfterItsCheck_IsStoppedAndCompleteOrRefusedStopped(ClientTorrentState state)
    {
        await using var rig = new DestinationRig();
        rig.Options.Recheck = RecheckPolicy.Always;
        rig.Client.StateAfterCheck = state;
        var outcome = await rig.SyncAsync(Torrent, DestinationRig.MakeInit(Torrent));
        Assert.That(outcome is FinalizeOutcome.Complete, Is.EqualTo(state.GetSide() == TorrentSide.Seeding));
        Assert.That(rig.Client.Only!.State.IsStopped());
        Assert.That(rig.Client.Starts, Is.Zero);
    }

    [Test]
    [DestinationCase(94)]
    [DestinationCase(96)]
    public async Task Torrent_FoundActiveAfterACrashAtTheAdd_IsStoppedAndNotAddedTwice()
    {
        await using var rig = new DestinationRig();
        var init = await AddAndLoseClientAsync(rig);
        await rig.StopAsync();
        rig.Client.IsDown = false;
        rig.Client.Show(ClientTorrentState.StalledUp);
        rig.Start();
        Assert.That(await rig.FinalizeAsync(DestinationRig.MakeFinalize(init, Torrent)), Is.TypeOf<FinalizeOutcome.Complete>());
        Assert.That((rig.Client.Adds, rig.Client.Only!.State), Is.EqualTo((1, ClientTorrentState.StoppedUp)));
        Assert.That(rig.Client.Stops, Is.GreaterThanOrEqualTo(1));
    }

    [Test]
    [DestinationCase(94)]
    public async Task Torrent_ActiveWhileItsFinalizationWaits_IsStoppedInThatPoll()
    {
        await using var rig = new DestinationRig(configure: static options => options.Recheck = RecheckPolicy.Never);
        var init = DestinationRig.MakeInit(Torrent);
        rig.Client.EmptyFileLists = int.MaxValue;
        rig.SendMissing(Torrent, await rig.OpenAsync(init), init);
        var finalizing = rig.FinalizeAsync(DestinationRig.MakeFinalize(init, Torrent), atMost: 5000);
        await rig.DriveAsync(() => rig.Client.Adds == 1 && rig.Client.Only is { State: ClientTorrentState.StoppedUp });
        rig.Client.Show(ClientTorrentState.StalledDl, 0.5);
        await rig.DriveAsync(() => rig.Client.Only!.State.IsStopped());
        rig.Client.EmptyFileLists = 0;
        Assert.That(await finalizing, Is.TypeOf<FinalizeOutcome.Complete>());
    }

    [Test]
    [DestinationCase(94)]
    [MetricCase("C04")]
    public async Task Torrent_ActiveWhileItsFinalizationWaits_WhoseStopHasNoEffect_IsStoppedAgainAndCounted()
    {
        await using var rig = new DestinationRig(configure: static options => options.Recheck = RecheckPolicy.Never);
        var init = DestinationRig.MakeInit(Torrent);
        rig.Client.EmptyFileLists = int.MaxValue;
        rig.SendMissing(Torrent, await rig.OpenAsync(init), init);
        var finalizing = rig.FinalizeAsync(DestinationRig.MakeFinalize(init, Torrent), atMost: 5000);
        await rig.DriveAsync(() => rig.Client.Adds == 1 && rig.Client.Only is { State: ClientTorrentState.StoppedUp });
        rig.Client.IgnoresStops = true;
        rig.Client.Show(ClientTorrentState.StalledDl, 0.5);
        await rig.DriveAsync(() => rig.Metric("qbsync_torrent_stop_errors_total", ("mode", "destination")) >= 1);
        Assert.That(rig.Client.Only!.State.IsActive(), Is.True);
        rig.Client.IgnoresStops = false;
        await rig.DriveAsync(() => rig.Client.Only!.State.IsStopped());
        rig.Client.EmptyFileLists = 0;
        Assert.That(await finalizing, Is.TypeOf<FinalizeOutcome.Complete>());
    }

    [Test]
    [DestinationCase(95)]
    public async Task Tags_WhoseCallsFail_AreCountedNeverFatalAndSetLater()
    {
        await using var rig = new DestinationRig();
        rig.Client.FailsTags = true;
        Assert.That(await rig.SyncAsync(Torrent, DestinationRig.MakeInit(Torrent)), Is.TypeOf<FinalizeOutcome.Complete>());
        Assert.That(rig.Metric("qbsync_tag_application_errors_total", ("mode", "destination")), Is.GreaterThanOrEqualTo(1));
        rig.Client.FailsTags = false;
        await rig.DriveAsync(() => rig.Client.Only!.Tags.Contains("synced"));
    }

    [Test]
    [DestinationCase(96)]
    public async Task Torrent_OfOursFoundAtNothingAndStopped_GoesOnWithACheck()
    {
        await using var rig = new DestinationRig();
        var init = await AddAndLoseClientAsync(rig);
        rig.Client.IsDown = false;
        rig.Client.Show(ClientTorrentState.StoppedDl, 0);
        await rig.RestartAsync();
        Assert.That(await rig.FinalizeAsync(DestinationRig.MakeFinalize(init, Torrent)), Is.TypeOf<FinalizeOutcome.Complete>());
        Assert.That((rig.Client.Adds, rig.Client.Rechecks), Is.EqualTo((1, 1)));
    }

    [Test]
    [DestinationCase(97)]
    public async Task Torrent_DeletedAfterItWasClosed_IsLeftAlone()
    {
        await using var rig = new DestinationRig();
        var init = DestinationRig.MakeInit(Torrent);
        await rig.SyncAsync(Torrent, init);
        await rig.StartSeedingAsync(init);
        await rig.ConfirmAsync(Torrent.Id);
        rig.Client.RemoveAll();
        await rig.PassAsync(TimeSpan.FromMinutes(5));
        Assert.That((await rig.GetStatusAsync(Torrent.Id)).State, Is.EqualTo(DestinationTorrentState.HandedOff));
        Assert.That(rig.Client.Adds, Is.EqualTo(1));
    }

    [Test]
    [DestinationCase(98)]
    public async Task Sessions_AThousandAtOnce_AreServedByOneListAnInterval()
    {
        await using var rig = new DestinationRig();
        rig.Options.Recheck = RecheckPolicy.Always;
        rig.Client.ChecksAreStuck = true;
        rig.Step = TimeSpan.FromMilliseconds(500);
        var requests = await Task.WhenAll(Enumerable.Range(0, 1000).Select(async i =>
        {
            var torrent = new TorrentBuilder($"one of many {i}") { Length = 1000, PieceLength = 16384, Seed = i + 5000 }.Build();
            var init = DestinationRig.MakeInit(torrent);
            rig.SendMissing(torrent, await rig.OpenAsync(init), init);
            return DestinationRig.MakeFinalize(init, torrent);
        }));
        _ = requests.Select(request => rig.Engine.FinalizeAsync(DestinationRig.Source, request, CancellationToken.None).AsTask()).ToArray();
        await rig.DriveAsync(() => rig.Client.Rechecks == 1000);
        var (polls, gets) = (rig.Client.Polls, rig.Client.Gets);
        await rig.PassAsync(TimeSpan.FromSeconds(60));
        Assert.That(rig.Client.Polls - polls, Is.InRange(25, 31), "one list call an interval of 2 s");
        Assert.That(rig.Client.Gets - gets, Is.LessThanOrEqualTo(2 * 60 * 17 * 2), "64 torrents a call, one look each 500 ms");
    }

    private static async Task<InitRequest> AddAndLoseClientAsync(DestinationRig rig)
    {
        var init = DestinationRig.MakeInit(Torrent);
        rig.SendMissing(Torrent, await rig.OpenAsync(init), init);
        rig.Client.DiesAtAdd = true;
        Assert.That(await rig.FinalizeAsync(DestinationRig.MakeFinalize(init, Torrent), atMost: 5), Is.TypeOf<FinalizeOutcome.Running>());
        await rig.DriveAsync(() => rig.Client.IsDown);
        return init;
    }

    private static Task<FinalizeOutcome> SyncPartAsync(DestinationRig rig) =>
        rig.SyncAsync(Multi, DestinationRig.MakeInit(Multi, static file => file.Index == 0), atMost: 5000);
}
