using QbSync.Engine.Tests.Destination.Kit;
using QbSync.Outcomes;
using QbSync.Ports;
using QbSync.Testing.Torrents;

namespace QbSync.Engine.Tests.Destination;

/// <summary>A torrent's own share limits at the destination's client.</summary>
public sealed class DestinationLimitsTests
{
    private static readonly ShareLimits Limits = ShareLimits.FromNumbers(1.5, 60, -1);

    private static BuiltTorrent Torrent => DestinationSyncTests.Single;

    [Test]
    public async Task Limits_OfTheTorrentsOwn_AreSetWhenItIsComplete()
    {
        await using var rig = new DestinationRig();
        await CompleteAsync(rig, Limits);
        Assert.That(rig.Client.Only!.Limits, Is.EqualTo(Limits));
        Assert.That(rig.Client.LimitCalls, Is.EqualTo(1));
    }

    [Test]
    public async Task Limits_ThatAreGlobal_LeaveTheClientsAsTheyAre()
    {
        await using var rig = new DestinationRig();
        await CompleteAsync(rig, ShareLimits.Global);
        Assert.That(rig.Client.LimitCalls, Is.Zero);
        var init = Init(ShareLimits.FromNumbers(-2, 60, -2));
        await rig.Client.SetShareLimitsAsync([rig.Client.Only!.Id], ShareLimits.FromNumbers(7, -2, 5), default);
        Assert.That(await rig.StartSeedingAsync(init), Is.TypeOf<StartOutcome.Started>());
        Assert.That(rig.Client.Only!.Limits, Is.EqualTo(ShareLimits.FromNumbers(7, 60, 5)));
    }

    [Test]
    public async Task Limits_OfTheStart_AreSetBeforeIt()
    {
        await using var rig = new DestinationRig();
        await CompleteAsync(rig, Limits);
        rig.Client.OnStart = () => Assert.That(rig.Client.Only!.Limits, Is.EqualTo(ShareLimits.FromNumbers(1.25, 55, -1)));
        Assert.That(await rig.StartSeedingAsync(Init(ShareLimits.FromNumbers(1.25, 55, -1))), Is.TypeOf<StartOutcome.Started>());
        Assert.That(rig.Client.Starts, Is.EqualTo(1));
    }

    [Test]
    public async Task Limits_ThatTheClientDrops_AreTriedAgain_AndNothingFails()
    {
        await using var rig = new DestinationRig();
        rig.Client.DropsLimits = true;
        rig.Step = TimeSpan.FromMilliseconds(500);
        await CompleteAsync(rig, Limits);
        Assert.That(rig.Metric("qbsync_tag_application_errors_total", ("mode", "destination")), Is.Zero, "a limit is no tag");
        rig.Client.DropsLimits = false;
        await rig.DriveAsync(() => rig.Client.Only!.Limits == Limits);
    }

    [Test]
    public async Task Limits_OfInactivity_AreNotAskedOfAClientWithout()
    {
        await using var rig = new DestinationRig();
        rig.Client.Capabilities = new ClientCapabilities { LimitsInactivity = false };
        await CompleteAsync(rig, ShareLimits.FromNumbers(-2, -2, 30));
        Assert.That(rig.Client.LimitCalls, Is.Zero);
        Assert.That(rig.Metric("qbsync_tag_application_errors_total", ("mode", "destination")), Is.Zero);
    }

    private static InitRequest Init(ShareLimits limits)
    {
        var init = DestinationRig.MakeInit(Torrent);
        return init with { Parameters = init.Parameters with { Limits = limits } };
    }

    private static async Task CompleteAsync(DestinationRig rig, ShareLimits limits) =>
        Assert.That(await rig.SyncAsync(Torrent, Init(limits), atMost: 5000), Is.InstanceOf<FinalizeOutcome.Complete>());
}
