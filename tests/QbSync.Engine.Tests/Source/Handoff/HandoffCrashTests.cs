using System.Text;
using QbSync.Engine.Source.Handoff;
using QbSync.Engine.Tests.Source.World;
using QbSync.Testing.Specifications;

namespace QbSync.Engine.Tests.Source.Handoff;

[TestFixture]
internal sealed class HandoffCrashTests
{
    /// <summary>Calls of a good run with short waits, each with a place before and one after its effect; those past the last end no process.</summary>
    private const int Places = 46;

    /// <summary>No entry names none or closed, and confirming deletes nothing.</summary>
    private static IEnumerable<HandoffStep> StepsBeforeADelete =>
        Enum.GetValues<HandoffStep>().Where(static step => step is not (HandoffStep.None or HandoffStep.Closed or HandoffStep.Confirming));

    [Test]
    [SourceCase(89)]
    public async Task KilledAtEachCall_OneSideSeedsAndNothingIsLost([Range(1, Places)] int place)
    {
        await using var rig = new HandoffRig(configure: static options => options.Handoff.DeleteGrace = TimeSpan.Zero);
        var (calls, isDead) = (0, false);
        rig.OnCall = (_, _) =>
        {
            if (isDead || Interlocked.Increment(ref calls) == place)
            {
                isDead = true;
                rig.Latest.Kill();
                throw new OperationCanceledException();
            }

            return default;
        };

        var end = await rig.RunToEndAsync(rig.Begin());
        var wasKilled = end is null;
        (rig.OnCall, isDead) = (static (_, _) => default, false);
        if (wasKilled && await rig.RecoverAsync() is { } next)
        {
            end = await rig.RunToEndAsync(next);
        }

        Assert.That(
            (rig.IsActiveHere(rig.Torrent), rig.IsActiveThere(rig.Torrent)), Is.EqualTo((true, false)).Or.EqualTo((false, true)), string.Join(' ', rig.Calls));
        Assert.That(rig.Records.All.Keys, Has.None.StartsWith("handoff/"));
        Assert.That(rig.Client.Has(rig.Torrent), Is.EqualTo(rig.IsActiveHere(rig.Torrent)), "no side is left with a stopped entry of which nobody tells");
        if (place == Places)
        {
            Assert.That(wasKilled, Is.False, "the last place is past the last call");
        }
    }

    [Test]
    [SourceCase(89)]
    public async Task KilledTwice_OneSideSeeds([Values(12, 20, 28)] int first, [Values(2, 5, 9)] int second)
    {
        await using var rig = new HandoffRig(configure: static options => options.Handoff.DeleteGrace = TimeSpan.Zero);
        foreach (var place in (int[])[first, second])
        {
            var (calls, isDead) = (0, false);
            rig.OnCall = (_, _) =>
            {
                if (isDead || Interlocked.Increment(ref calls) == place)
                {
                    isDead = true;
                    rig.Latest.Kill();
                    throw new OperationCanceledException();
                }

                return default;
            };
            var process = place == first ? rig.Begin() : await rig.RecoverAsync();
            if (process is not null)
            {
                await rig.RunToEndAsync(process);
            }
        }

        rig.OnCall = static (_, _) => default;
        if (await rig.RecoverAsync() is { } last)
        {
            await rig.RunToEndAsync(last);
        }

        Assert.That((rig.IsActiveHere(rig.Torrent), rig.IsActiveThere(rig.Torrent)), Is.EqualTo((true, false)).Or.EqualTo((false, true)));
    }

    [TestCaseSource(nameof(StepsBeforeADelete))]
    [SourceCase(85)]
    public async Task OldJournal_IsClosedWithoutADelete(HandoffStep step)
    {
        await using var rig = new HandoffRig();
        await WriteAsync(rig, step);
        rig.Time.Advance(TimeSpan.FromDays(3));

        var end = await rig.RunToEndAsync((await rig.RecoverAsync())!);

        Assert.That(end!.Result, Is.EqualTo(HandoffResult.RolledBack));
        Assert.That(rig.Client.Deleted, Is.Empty);
        Assert.That((rig.IsActiveHere(rig.Torrent), rig.IsActiveThere(rig.Torrent)), Is.EqualTo((true, false)));
    }

    [Test]
    public async Task DamagedJournal_CountsAsAbsent()
    {
        await using var rig = new HandoffRig();
        await rig.Records.WriteAsync("handoff/1.json", Encoding.UTF8.GetBytes("{ \"Step\": "), CancellationToken.None);
        await rig.Records.WriteAsync("handoff/2.json", Encoding.UTF8.GetBytes("{ \"Number\": 7, \"Step\": \"Deleting\" }"), CancellationToken.None);

        Assert.That(await rig.RecoverAsync(), Is.Null);
        await rig.RunToEndAsync(rig.Begin());
    }

    private static ValueTask WriteAsync(HandoffRig rig, HandoffStep step)
    {
        var entry = rig.MakeEntry(HandoffCause.Pressure) with { Step = step, MayBeActiveThere = step != HandoffStep.Stopping, StopWasSent = true };
        return new HandoffJournal(rig.Records, Microsoft.Extensions.Logging.Abstractions.NullLogger<HandoffJournal>.Instance).SaveAsync(entry, CancellationToken.None);
    }
}
