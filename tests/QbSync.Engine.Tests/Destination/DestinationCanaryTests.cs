using QbSync.Engine.Destination.Finalization;
using QbSync.Engine.Tests.Destination.Kit;
using QbSync.Outcomes;
using QbSync.Ports;
using QbSync.Testing.Specifications;
using QbSync.Testing.Torrents;

namespace QbSync.Engine.Tests.Destination;

/// <summary>Which torrents the client checks: as few as show that it can read what we write, and never one that keeps others waiting.</summary>
public sealed class DestinationCanaryTests
{
    [Test]
    [ClientCase(41)]
    public async Task FirstWholeTorrentOfARoot_IsCheckedAndNoOther_UntilTheClientOrWeStartAnew()
    {
        await using var rig = new DestinationRig();
        await CompleteAsync(rig, 1, isChecked: true);
        await CompleteAsync(rig, 2, isChecked: false);
        rig.Client.Epoch++;
        await CompleteAsync(rig, 3, isChecked: true);
        await CompleteAsync(rig, 4, isChecked: false);
        await rig.RestartAsync();
        await CompleteAsync(rig, 5, isChecked: true);
        await CompleteAsync(rig, 6, isChecked: false);
    }

    [Test]
    [ClientCase(41)]
    public async Task FirstCheckOfARootThatFails_IsFollowedByThatOfTheNextTorrent()
    {
        await using var rig = new DestinationRig();
        rig.Client.StateAfterCheck = ClientTorrentState.Error;
        for (var seed = 1; seed <= 2; seed++)
        {
            var torrent = Build(seed);
            var outcome = await rig.SyncAsync(torrent, DestinationRig.MakeInit(torrent));
            Assert.That(DestinationClientTests.GetReason(outcome), Is.EqualTo(RefusalReason.ClientMissingFiles));
            Assert.That(rig.Client.LastAdd!.SkipCheck, Is.False);
        }

        rig.Client.StateAfterCheck = null;
        await CompleteAsync(rig, 3, isChecked: true);
        await CompleteAsync(rig, 4, isChecked: false);

        // Files that are not found later on put the root in doubt again.
        rig.Client.LooksElsewhere = true;
        var lost = Build(5);
        Assert.That(DestinationClientTests.GetReason(await rig.SyncAsync(lost, DestinationRig.MakeInit(lost))), Is.EqualTo(RefusalReason.ClientMissingFiles));
        rig.Client.LooksElsewhere = false;
        await CompleteAsync(rig, 6, isChecked: true);
    }

    [TestCase(RecheckPolicy.Never, false)]
    [TestCase(RecheckPolicy.Always, true)]
    [ClientCase(41)]
    public async Task OtherPolicies_CheckNone_OrEach(RecheckPolicy policy, bool isChecked)
    {
        await using var rig = new DestinationRig(configure: options => options.Recheck = policy);
        await CompleteAsync(rig, 1, isChecked);
        await CompleteAsync(rig, 2, isChecked);
        Assert.That(rig.Client.Rechecks, Is.EqualTo(isChecked ? 2 : 0));
    }

    [Test]
    [ClientCase(41)]
    public void Canary_ByRootSizeAndEpoch()
    {
        var canary = new ClientCanary();
        Assert.That(canary.IsDue("", 1, ClientCanary.MaxBytes), Is.True);
        Assert.That(canary.IsDue("", 1, (16L << 30) + 1), Is.False, "that would take too long");
        canary.Succeeded("", 1);
        Assert.That((canary.IsDue("", 1, 1), canary.IsDue("other", 1, 1), canary.IsDue("", 2, 1)), Is.EqualTo((false, true, true)));
        canary.Failed("");
        Assert.That(canary.IsDue("", 1, 1), Is.True);
    }

    [Test]
    [ClientCase(44)]
    public async Task CheckOfTenHours_WaitsWithProgress_AndOthersAreTakenAsVerifiedMeanwhile()
    {
        await using var rig = new DestinationRig();
        await CompleteAsync(rig, 1, isChecked: true);

        var part = DestinationSyncTests.Multi;
        var init = DestinationRig.MakeInit(part, static file => file.Index == 0);
        rig.SendMissing(part, await rig.OpenAsync(init), init);
        rig.Client.LooksPerCheck = 1400;
        var finalizing = rig.Engine.FinalizeAsync(DestinationRig.Source, DestinationRig.MakeFinalize(init, part), CancellationToken.None).AsTask();
        await rig.DriveAsync(() => rig.Client.Rechecks == 2);
        rig.Client.LooksPerCheck = 2;
        await CompleteAsync(rig, 2, isChecked: false);
        Assert.That(rig.Client.Rechecks, Is.EqualTo(2), "it did not queue behind the long one");

        rig.Step = TimeSpan.FromSeconds(30);
        var began = rig.Time.GetUtcNow();
        await rig.PassAsync(TimeSpan.FromHours(9));
        var running = await rig.FinalizeAsync(DestinationRig.MakeFinalize(init, part), atMost: 1);
        Assert.That(running is FinalizeOutcome.Running { Progress: { Stage: FinalizeStage.Checking, Done: > 0, Waiting: null } }, Is.True, $"{running}");
        Assert.That(await rig.FinalizeAsync(DestinationRig.MakeFinalize(init, part), atMost: 100_000), Is.TypeOf<FinalizeOutcome.Complete>());
        Assert.That(rig.Time.GetUtcNow() - began, Is.GreaterThan(TimeSpan.FromHours(10)));
        Assert.That(rig.Client.Rechecks, Is.EqualTo(2), "nobody lost patience");
        await finalizing;
    }

    private static BuiltTorrent Build(int seed) => new TorrentBuilder($"canary {seed}.bin") { PieceLength = 65536, Length = 100_001, Seed = 700 + seed }.Build();

    private static async Task CompleteAsync(DestinationRig rig, int seed, bool isChecked)
    {
        var torrent = Build(seed);
        Assert.That(await rig.SyncAsync(torrent, DestinationRig.MakeInit(torrent)), Is.TypeOf<FinalizeOutcome.Complete>());
        Assert.That(rig.Client.LastAdd!.SkipCheck, Is.EqualTo(!isChecked), $"{torrent.Name}");
    }
}
