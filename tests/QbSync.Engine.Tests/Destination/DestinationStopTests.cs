using Microsoft.Extensions.Time.Testing;
using QbSync.Engine.Tests.Destination.Kit;
using QbSync.Outcomes;
using QbSync.Ports;
using QbSync.Testing.Specifications;
using QbSync.Testing.Torrents;

namespace QbSync.Engine.Tests.Destination;

/// <summary>Verbs that come while the engine stops: past the look whether it does, and at a session that has ended meanwhile.</summary>
public sealed class DestinationStopTests
{
    private static BuiltTorrent Torrent => DestinationSyncTests.Single;

    private static readonly InitRequest Init = DestinationRig.MakeInit(Torrent);

    private static readonly FinalizeRequest Finalize = DestinationRig.MakeFinalize(Init, Torrent);

    /// <summary>Each verb, and why it was refused; null when it was not.</summary>
    private static readonly Dictionary<string, Func<DestinationRig, Task<RefusalReason?>>> Verbs = new()
    {
        ["Init"] = async rig => await rig.Engine.InitAsync(DestinationRig.Source, Init, default) is InitOutcome.Refused refused ? refused.Refusal.Reason : null,
        ["Finalize"] = async rig => await rig.Engine.FinalizeAsync(DestinationRig.Source, Finalize, default) is FinalizeOutcome.Refused refused ? refused.Refusal.Reason : null,
        ["Abort"] = async rig => await rig.Engine.AbortAsync(DestinationRig.Source, new AbortRequest(Init.Id, AbortCause.Operator, AbortMode.Discard), default)
            is AbortOutcome.Refused refused ? refused.Refusal.Reason : null,
        ["Prove"] = async rig => (await rig.Engine.ProveAsync(
            DestinationRig.Source, new ProveRequest(Init.Id, new byte[] { 1 }, Finalize.SelectionFingerprint), default)).Reason(),
        ["Start"] = async rig => (await rig.Engine.StartAsync(DestinationRig.Source, new StartRequest(Init.Id, StartCause.Handoff, Init.Parameters), default)).Reason(),
        ["Withdraw"] = async rig => (await rig.Engine.WithdrawAsync(DestinationRig.Source, new WithdrawRequest(Init.Id), default)).Reason(),
        ["Confirm"] = async rig => await rig.Engine.ConfirmHandoffAsync(DestinationRig.Source, new ConfirmHandoffRequest(Init.Id, "gone", new byte[32]), default)
            is ConfirmOutcome.Refused refused ? refused.Refusal.Reason : null,
    };

    private static IEnumerable<string> VerbNames => Verbs.Keys;

    [TestCaseSource(nameof(VerbNames))]
    [DestinationCase(102)]
    public async Task Verb_WhileTheEngineStops_IsRefusedAndNeverToldAsDoneOrUnknown(string verb)
    {
        var time = new TurningTime();
        await using var rig = new DestinationRig(time: time);
        await rig.SyncAsync(Torrent, Init);
        await rig.StartSeedingAsync(Init);
        await rig.DriveAsync(() => GetState(rig) == DestinationTorrentState.HandedOff);

        var answer = time.At(rig.StopEngine, () => Verbs[verb](rig));

        Assert.That(await answer, Is.EqualTo(RefusalReason.Stopping));
        Assert.That(rig.Client.Only!.State.IsActive(), Is.True, "nothing was stopped: a source that hears anything else would seed beside it");
        await rig.RestartAsync();
        await rig.RecoveredAsync();
        Assert.That(GetState(rig), Is.EqualTo(DestinationTorrentState.HandedOff));
    }

    [Test]
    public async Task Init_OfANewTorrentWhileTheEngineStops_OpensNothingThatNobodyWouldClose()
    {
        var time = new TurningTime();
        await using var rig = new DestinationRig(time: time);
        await rig.RecoveredAsync();

        var answer = time.At(rig.StopEngine, () => Verbs["Init"](rig));

        Assert.That(await answer, Is.EqualTo(RefusalReason.Stopping));
        Assert.That(rig.Store.Open, Is.Empty);
    }

    private static DestinationTorrentState GetState(DestinationRig rig) => rig.GetStatusAsync(Torrent.Id).GetAwaiter().GetResult().State;

    /// <summary>A clock that lets something happen where a call reads it first: after it looked whether the engine stops, before it turns to the session.</summary>
    private sealed class TurningTime() : FakeTimeProvider(new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero))
    {
        private readonly ThreadLocal<Action?> _turn = new();

        public T At<T>(Action turn, Func<T> call)
        {
            _turn.Value = turn;
            var result = call();
            Assert.That(_turn.Value, Is.Null, "the call read no clock on this thread");
            return result;
        }

        public override long GetTimestamp()
        {
            if (_turn.Value is { } turn)
            {
                _turn.Value = null;
                turn();
            }

            return base.GetTimestamp();
        }
    }
}
