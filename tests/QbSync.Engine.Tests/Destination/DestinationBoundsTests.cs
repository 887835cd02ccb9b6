using QbSync.Engine.Tests.Destination.Kit;
using QbSync.Outcomes;
using QbSync.Ports;

namespace QbSync.Engine.Tests.Destination;

/// <summary>How many torrents are received at a time, where several are opened at once.</summary>
public sealed class DestinationBoundsTests
{
    private static readonly InitRequest First = DestinationRig.MakeInit(DestinationSyncTests.Single);

    private static readonly InitRequest Second = DestinationRig.MakeInit(DestinationSyncTests.Multi);

    [TestCase(true)]
    [TestCase(false)]
    public async Task Init_WhileAnotherIsBeingOpened_CountsTheOther(bool ofPeer)
    {
        await using var rig = new DestinationRig(configure: options =>
        {
            options.MaxPeerSessions = ofPeer ? 1 : options.MaxPeerSessions;
            options.MaxSessions = ofPeer ? options.MaxSessions : 1;
        });
        await rig.RecoveredAsync();
        var held = new TaskCompletionSource();
        rig.Store.OpenGate = held.Task;
        var opening = rig.InitAsync(First);
        await rig.DriveAsync(() => rig.GetStatusAsync(First.Id).GetAwaiter().GetResult().State == DestinationTorrentState.Opening);

        var outcome = await rig.InitAsync(Second);

        Assert.That((outcome as InitOutcome.Refused)?.Refusal.Reason, Is.EqualTo(RefusalReason.Busy));
        held.SetResult();
        Assert.That(await opening, Is.InstanceOf<InitOutcome.Open>());
    }
}
