using QbSync.Engine.Tests.Destination.Kit;
using QbSync.Outcomes;
using QbSync.Ports;
using QbSync.Testing.Torrents;

namespace QbSync.Engine.Tests.Destination;

/// <summary>What a peer may do here: its grants as each call finds them, and the sight of nothing but its own.</summary>
public sealed class DestinationGrantTests
{
    private static readonly BuiltTorrent First = DestinationSyncTests.Single;
    private static readonly BuiltTorrent Second = DestinationSyncTests.Multi;
    private static readonly InitRequest Init = DestinationRig.MakeInit(First);

    private static long Quota => Math.Max(First.Manifest.ContentLength, Second.Manifest.ContentLength);

    [Test]
    public async Task Grant_OfOtherRootsOrCategories_RefusesTheOpening()
    {
        await using var rig = new DestinationRig();
        Assert.That(await RefuseAsync(rig, Init, new PeerGrants { Roots = ["archive"] }), Is.EqualTo(RefusalReason.NotGranted));
        Assert.That(await RefuseAsync(rig, Init, new PeerGrants { Roots = [] }), Is.EqualTo(RefusalReason.NotGranted));
        Assert.That(await RefuseAsync(rig, Init, new PeerGrants { Categories = ["tv"] }), Is.EqualTo(RefusalReason.NotGranted));
        Assert.That(rig.Disk.TorrentCount, Is.Zero);

        var granted = Peer(new PeerGrants { Roots = ["data"], Categories = ["linux"] });
        Assert.That(await rig.InitAsync(Init, granted), Is.InstanceOf<InitOutcome.Open>());
        Assert.That(await rig.InitAsync(Init with { Place = Init.Place with { Root = "data" } }, granted), Is.InstanceOf<InitOutcome.Open>());
    }

    [Test]
    public async Task Grant_ThatForbidsTheCategoryLater_CountsFromTheNextCallOn()
    {
        await using var rig = new DestinationRig();
        await rig.InitAsync(Init, Peer(PeerGrants.Everything));
        var changed = Peer(new PeerGrants { Categories = ["tv"] });
        Assert.That(await RefuseAsync(rig, Init, changed.Grants), Is.EqualTo(RefusalReason.NotGranted));
        var outcome = await rig.DriveAsync(rig.Engine.FinalizeAsync(changed, DestinationRig.MakeFinalize(Init, First), CancellationToken.None).AsTask());
        Assert.That((outcome as FinalizeOutcome.Refused)?.Refusal.Reason, Is.EqualTo(RefusalReason.NotGranted));
    }

    [Test]
    public async Task Grant_OfAQuota_IsCountedOverAllSourcesOfThePeerAndFreedByAnAbort()
    {
        await using var rig = new DestinationRig();
        var grants = new PeerGrants { Quota = Quota };
        Assert.That(await rig.InitAsync(Init, Peer(grants)), Is.InstanceOf<InitOutcome.Open>());

        var again = Peer(grants) with { Source = Guid.NewGuid() };
        var refused = await rig.InitAsync(DestinationRig.MakeInit(Second), again) as InitOutcome.Refused;
        Assert.That(refused?.Refusal.Reason, Is.EqualTo(RefusalReason.Quota));
        Assert.That(refused!.Refusal.FreeBytes, Is.EqualTo(Quota - First.Manifest.ContentLength));

        // Another peer has its own bytes.
        var other = Peer(grants) with { Source = Guid.NewGuid(), Peer = "other" };
        Assert.That(await rig.InitAsync(DestinationRig.MakeInit(Third), other), Is.InstanceOf<InitOutcome.Open>());

        using var watching = new CancellationTokenSource();
        var room = WaitForRoomAsync(rig, again, watching.Token);
        await rig.DriveAsync(rig.Engine.AbortAsync(Peer(grants), new AbortRequest(First.Id, AbortCause.Operator), CancellationToken.None).AsTask());
        await rig.DriveAsync(room);
        await watching.CancelAsync();
        Assert.That(await rig.InitAsync(DestinationRig.MakeInit(Second), again), Is.InstanceOf<InitOutcome.Open>());
    }

    [Test]
    public async Task Grant_OfAQuota_IsRememberedOverARestart()
    {
        await using var rig = new DestinationRig();
        var peer = Peer(new PeerGrants { Quota = Quota });
        await rig.InitAsync(Init, peer);
        await rig.RestartAsync();
        Assert.That(await RefuseAsync(rig, DestinationRig.MakeInit(Second), peer.Grants), Is.EqualTo(RefusalReason.Quota));

        // What it has already it may go on with, whatever the quota is now.
        Assert.That(await rig.InitAsync(Init, Peer(new PeerGrants { Quota = 1 })), Is.InstanceOf<InitOutcome.Open>());
    }

    [Test]
    public async Task Grant_OfAQuota_CountsAWiderSelection()
    {
        await using var rig = new DestinationRig();
        var part = DestinationRig.MakeInit(Second, static file => file.Index == 0);
        var small = Second.Manifest.Files[0].Length;
        var peer = Peer(new PeerGrants { Quota = small });
        Assert.That(await rig.InitAsync(part, peer), Is.InstanceOf<InitOutcome.Open>());
        Assert.That(await RefuseAsync(rig, DestinationRig.MakeInit(Second), peer.Grants), Is.EqualTo(RefusalReason.Quota));
        Assert.That(await rig.InitAsync(part, peer), Is.InstanceOf<InitOutcome.Open>());
        Assert.That(await rig.InitAsync(DestinationRig.MakeInit(Second), Peer(PeerGrants.Everything)), Is.InstanceOf<InitOutcome.Open>());
    }

    [Test]
    public async Task Grant_WithoutMayDelete_KeepsWhatIsUnfinished()
    {
        await using var rig = new DestinationRig();
        var peer = Peer(new PeerGrants { MayDelete = false });
        await rig.InitAsync(Init, peer);
        var discard = await rig.DriveAsync(rig.Engine.AbortAsync(peer, new AbortRequest(First.Id, AbortCause.Excluded), CancellationToken.None).AsTask());
        Assert.That((discard as AbortOutcome.Refused)?.Refusal.Reason, Is.EqualTo(RefusalReason.NotGranted));
        Assert.That((await rig.GetStatusAsync(First.Id, peer)).State, Is.EqualTo(DestinationTorrentState.Receiving));

        var keep = await rig.DriveAsync(
            rig.Engine.AbortAsync(peer, new AbortRequest(First.Id, AbortCause.Excluded, AbortMode.Keep), CancellationToken.None).AsTask());
        Assert.That(keep, Is.InstanceOf<AbortOutcome.Done>());
    }

    [Test]
    public async Task Grant_WithoutMayStart_NeitherStartsNorStops()
    {
        await using var rig = new DestinationRig();
        Assert.That(await rig.SyncAsync(First, Init), Is.InstanceOf<FinalizeOutcome.Complete>());
        var peer = DestinationRig.Source with { Grants = new PeerGrants { MayStart = false } };
        var start = await rig.DriveAsync(
            rig.Engine.StartAsync(peer, new StartRequest(First.Id, StartCause.Handoff, Init.Parameters), CancellationToken.None).AsTask());
        Assert.That((start as StartOutcome.Refused)?.Refusal.Reason, Is.EqualTo(RefusalReason.NotGranted));
        var withdraw = await rig.DriveAsync(rig.Engine.WithdrawAsync(peer, new WithdrawRequest(First.Id), CancellationToken.None).AsTask());
        Assert.That((withdraw as WithdrawOutcome.Refused)?.Refusal.Reason, Is.EqualTo(RefusalReason.NotGranted));
        Assert.That(rig.Client.Starts, Is.Zero);
    }

    [Test]
    public async Task PathConflict_WithATorrentOfAnotherPeer_DoesNotNameIt()
    {
        await using var rig = new DestinationRig();
        await rig.InitAsync(Init, Peer(PeerGrants.Everything));
        var clash = new TorrentBuilder(First.Manifest.Name) { Length = First.Manifest.ContentLength + 1, Seed = 8 }.Build();
        var other = (InitOutcome.Refused)await rig.InitAsync(DestinationRig.MakeInit(clash), DestinationRig.Other with { Peer = "other" });
        Assert.That(other.Refusal.Reason, Is.EqualTo(RefusalReason.PathConflict));
        Assert.That(other.Refusal.Detail, Does.Not.Contain(First.Id.ToString()));
        var own = (InitOutcome.Refused)await rig.InitAsync(DestinationRig.MakeInit(clash), Peer(PeerGrants.Everything));
        Assert.That(own.Refusal.Detail, Does.Contain(First.Id.ToString()));
    }

    private static BuiltTorrent Third { get; } = new TorrentBuilder("third") { Length = 50_000, Seed = 9 }.Build();

    private static Caller Peer(PeerGrants grants) => DestinationRig.Source with { Peer = "peer", Grants = grants };

    private static async Task<RefusalReason?> RefuseAsync(DestinationRig rig, InitRequest request, PeerGrants grants) =>
        (await rig.InitAsync(request, Peer(grants)) as InitOutcome.Refused)?.Refusal.Reason;

    private static async Task WaitForRoomAsync(DestinationRig rig, Caller caller, CancellationToken cancellationToken)
    {
        await foreach (var update in rig.Engine.WatchAsync(caller, cancellationToken))
        {
            if (update is DestinationUpdate.Room)
            {
                return;
            }
        }
    }
}
