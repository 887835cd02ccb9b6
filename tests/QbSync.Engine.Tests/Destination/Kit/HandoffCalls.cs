using QbSync.Engine.Destination;
using QbSync.Outcomes;
using QbSync.Ports;
using QbSync.Testing.Torrents;
using QbSync.Torrents;

namespace QbSync.Engine.Tests.Destination.Kit;

/// <summary>The verbs of a handoff as a source calls them: asked again while they are answered Running, Recovering or Busy.</summary>
internal static class HandoffCalls
{
    public static Task<ProveOutcome> ProveAsync(this DestinationRig rig, BuiltTorrent torrent, InitRequest init, byte nonce = 1) =>
        ProveAsync(rig.Engine, task => rig.DriveAsync(task), torrent, init, nonce);

    public static Task<ProveOutcome> ProveAsync(this DiskRig rig, BuiltTorrent torrent, InitRequest init, byte nonce = 1) =>
        ProveAsync(rig.Engine, task => rig.DriveAsync(task), torrent, init, nonce);

    public static Task<StartOutcome> StartSeedingAsync(this DestinationRig rig, InitRequest init, StartCause cause = StartCause.Handoff) => RepeatAsync(
        () => rig.DriveAsync(rig.Engine.StartAsync(DestinationRig.Source, new StartRequest(init.Id, cause, init.Parameters), CancellationToken.None).AsTask()),
        static outcome => outcome is StartOutcome.Running or StartOutcome.Refused { Refusal.Reason: RefusalReason.Recovering });

    public static Task<WithdrawOutcome> WithdrawAsync(this DestinationRig rig, InfoHash id) => RepeatAsync(
        () => rig.DriveAsync(rig.Engine.WithdrawAsync(DestinationRig.Source, new WithdrawRequest(id), CancellationToken.None).AsTask()),
        static outcome => outcome is WithdrawOutcome.Running or WithdrawOutcome.Refused { Refusal.Reason: RefusalReason.Recovering });

    public static Task<ConfirmOutcome> ConfirmAsync(this DestinationRig rig, InfoHash id, string tag = "source-removed") => RepeatAsync(
        () => rig.DriveAsync(rig.Engine.ConfirmHandoffAsync(
            DestinationRig.Source, new ConfirmHandoffRequest(id, tag, new byte[32]), CancellationToken.None).AsTask()),
        static outcome => outcome is ConfirmOutcome.Refused { Refusal.Reason: RefusalReason.Recovering or RefusalReason.Busy });

    /// <summary>Why a verb was refused; null when it was not.</summary>
    public static RefusalReason? Reason(this ProveOutcome outcome) => (outcome as ProveOutcome.Refused)?.Refusal.Reason;

    /// <summary>Why a verb was refused; null when it was not.</summary>
    public static RefusalReason? Reason(this StartOutcome outcome) => (outcome as StartOutcome.Refused)?.Refusal.Reason;

    /// <summary>Why a verb was refused; null when it was not.</summary>
    public static RefusalReason? Reason(this WithdrawOutcome outcome) => (outcome as WithdrawOutcome.Refused)?.Refusal.Reason;

    private static Task<ProveOutcome> ProveAsync(DestinationEngine engine, Func<Task, Task> drive, BuiltTorrent torrent, InitRequest init, byte nonce)
    {
        var request = new ProveRequest(init.Id, new[] { nonce }, DestinationRig.MakeFinalize(init, torrent).SelectionFingerprint);
        return RepeatAsync(
            async () =>
            {
                var call = engine.ProveAsync(DestinationRig.Source, request, CancellationToken.None).AsTask();
                await drive(call);
                return await call;
            },
            static outcome => outcome is ProveOutcome.Running or ProveOutcome.Refused { Refusal.Reason: RefusalReason.Recovering });
    }

    private static async Task<T> RepeatAsync<T>(Func<Task<T>> call, Func<T, bool> goesOn)
    {
        T outcome;
        do
        {
            outcome = await call();
        }
        while (goesOn(outcome));
        return outcome;
    }
}
