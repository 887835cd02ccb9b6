using QbSync.Engine.Tests.Destination.Kit;
using QbSync.Outcomes;
using QbSync.Ports;
using QbSync.Testing.Torrents;

namespace QbSync.Engine.Tests.Destination;

/// <summary>What each verb answers in each state: the table of the destination's specification, cell by cell.</summary>
public sealed class DestinationTableTests
{
    private static readonly TaskCompletionSource Never = new();

    private static BuiltTorrent Torrent => DestinationSyncTests.Multi;

    [TestCase("Absent", "Open", "Open", "NotOpen", "Unknown", "Done", "Unknown", "Done")]
    [TestCase("Opening", "Running", "Busy", "NotOpen", "Running", "Running", "Incomplete", "Done")]
    [TestCase("Receiving", "Open", "Open", "Accepted", "Incomplete", "Done", "Incomplete", "Done")]
    [TestCase("Verifying", "Running", "Open", "Held", "Running", "Done", "Incomplete", "Done")]
    [TestCase("Registering", "Running", "Busy", "Held", "Running", "Finalizing", "Incomplete", "Done")]
    [TestCase("Complete", "Complete", "Open", "Held", "Complete", "Complete", "Started", "Done")]
    [TestCase("HandedOff", "Complete", "HandedOff", "NotOpen", "Complete", "Complete", "Started", "Done")]
    [TestCase("Aborting", "Busy", "Busy", "NotOpen", "Busy", "Running", "Unknown", "Done")]
    [TestCase("Failed", "Open", "Open", "NotOpen", "ClientRefused", "Done", "ClientRefused", "Done")]
    public async Task Verb_InEachState_AnswersAsTheTableSays(string state, params string[] expected)
    {
        var init = DestinationRig.MakeInit(Torrent);
        var other = DestinationRig.MakeInit(Torrent, static file => file.Path[^1] == "one.flac");
        Func<DestinationRig, Task<string>>[] verbs =
        [
            rig => InitAsync(rig, init),
            rig => InitAsync(rig, other),
            rig => Task.FromResult(rig.Send(Torrent, 0, rig.Store.Open is [.., var storage] ? storage.Epoch : 1).ToString()),
            async rig => Name(await rig.DriveAsync(rig.Engine.FinalizeAsync(
                DestinationRig.Source, DestinationRig.MakeFinalize(init, Torrent), CancellationToken.None).AsTask())),
            async rig => Name(await rig.DriveAsync(rig.Engine.AbortAsync(
                DestinationRig.Source, new AbortRequest(Torrent.Id, AbortCause.Excluded), CancellationToken.None).AsTask())),
            async rig => Name(await rig.StartSeedingAsync(init)),
            async rig => Name(await rig.WithdrawAsync(Torrent.Id)),
        ];
        for (var verb = 0; verb < verbs.Length; verb++)
        {
            await using var rig = new DestinationRig();
            await BringAsync(rig, state, init);
            var answer = await verbs[verb](rig);
            for (var again = 0; answer == "Running" && expected[verb] != "Running" && again < 50; again++)
            {
                // The rig's time may pass faster than a busy machine works; who is told Running asks again.
                answer = await verbs[verb](rig);
            }

            Assert.That(answer, Is.EqualTo(expected[verb]), $"verb {verb} in {state}");
        }
    }

    private static async Task BringAsync(DestinationRig rig, string state, InitRequest init)
    {
        await rig.RecoveredAsync();
        switch (state)
        {
            case "Absent":
                return;
            case "Opening":
                rig.Store.OpenGate = Never.Task;
                Assert.That(await InitAsync(rig, init), Is.EqualTo("Running"));
                return;
            case "Receiving":
                await rig.OpenAsync(init);
                return;
            case "Aborting":
                await rig.OpenAsync(init);
                rig.Storage.DiscardGate = Never.Task;
                await rig.DriveAsync(rig.Engine.AbortAsync(DestinationRig.Source, new AbortRequest(init.Id, AbortCause.Excluded), CancellationToken.None).AsTask());
                break;
            case "Verifying":
                var open = await rig.OpenAsync(init);
                rig.Storage.VerifyGate = Never.Task;
                rig.SendMissing(Torrent, open, init);
                await rig.FinalizeAsync(DestinationRig.MakeFinalize(init, Torrent), atMost: 1);
                break;
            case "Registering":
                rig.Client.LooksPerCheck = int.MaxValue;
                await rig.SyncAsync(Torrent, init, atMost: 1);
                await rig.DriveAsync(() => rig.Storage.Phase == StoredPhase.Added);
                break;
            case "Failed":
                rig.Client.RefusesAdds = true;
                await rig.SyncAsync(Torrent, init);
                break;
            default:
                await rig.SyncAsync(Torrent, init);
                if (state == "HandedOff")
                {
                    Assert.That(await rig.StartSeedingAsync(init), Is.InstanceOf<StartOutcome.Started>());
                }

                break;
        }

        var shown = (await rig.GetStatusAsync(init.Id)).State.ToString();
        Assert.That(shown, Is.EqualTo(state is "Verifying" or "Registering" ? "Finalizing" : state));
    }

    private static async Task<string> InitAsync(DestinationRig rig, InitRequest request) =>
        Name(await rig.DriveAsync(rig.Engine.InitAsync(DestinationRig.Source, request, CancellationToken.None).AsTask()));

    /// <summary>The outcome, or the reason of a refusal.</summary>
    private static string Name(object outcome) =>
        outcome.GetType().GetProperty("Refusal")?.GetValue(outcome) is Refusal refusal ? refusal.Reason.ToString() : outcome.GetType().Name;
}
