using QbSync.Engine.Source.Phases;
using QbSync.Outcomes;

namespace QbSync.Engine.Tests.Source.Phases;

internal sealed class AdvanceWatchTests
{
    [Test]
    public void ProgressThatStandsStill_ForFifteenMinutes_IsStuck()
    {
        var watch = new AdvanceWatch(TimeSpan.Zero);
        var progress = new OperationProgress(FinalizeStage.Verifying, 1, 9);
        Assert.That(watch.IsStuck(progress, TimeSpan.FromMinutes(1)), Is.False);
        Assert.That(watch.IsStuck(progress with { }, TimeSpan.FromMinutes(15.9)), Is.False);
        Assert.That(watch.IsStuck(progress with { }, TimeSpan.FromMinutes(16)), Is.True);
        Assert.That(watch.IsStuck(progress with { Done = 2 }, TimeSpan.FromMinutes(17)), Is.False);
    }

    [TestCase(FinalizeStage.Queued, null)]
    [TestCase(FinalizeStage.Linking, null)]
    [TestCase(FinalizeStage.Registering, RefusalReason.ClientUnreachable)]
    public void WaitingForANamedReason_IsNeverStuck(FinalizeStage stage, RefusalReason? reason)
    {
        var watch = new AdvanceWatch(TimeSpan.Zero);
        var progress = new OperationProgress(stage, 0, 0, reason);
        for (var hour = 1; hour < 10; hour++)
        {
            Assert.That(watch.IsStuck(progress, TimeSpan.FromHours(hour)), Is.False);
        }

        Assert.That(watch.IsStuck(new OperationProgress(FinalizeStage.Publishing, 0, 0), TimeSpan.FromHours(10)), Is.False, "what comes then begins anew");
    }
}
