using QbSync.Engine.Destination;
using QbSync.Testing.Waiting;

namespace QbSync.Engine.Tests.Destination;

public sealed class WorkLaneTests
{
    [Test]
    public async Task Work_Queued_RunsOneAfterAnother()
    {
        await using var lane = new WorkLane();
        var first = new TaskCompletionSource();
        List<int> order = [];
        var done = new TaskCompletionSource();
        lane.Enqueue(async _ =>
        {
            await first.Task;
            order.Add(1);
        });
        lane.Enqueue(_ =>
        {
            order.Add(2);
            done.SetResult();
            return Task.CompletedTask;
        });
        first.SetResult();
        await done.Task.DefaultTimeout();
        Assert.That(order, Is.EqualTo([1, 2]));
    }

    [Test]
    public async Task Renew_WhileWorkRuns_CancelsAndJoinsItAndDropsWhatWasQueued()
    {
        await using var lane = new WorkLane();
        var began = new TaskCompletionSource();
        var ended = false;
        var ranQueued = false;
        lane.Enqueue(async lease =>
        {
            began.SetResult();
            await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, lease).ContinueWith(static _ => { }, TaskScheduler.Default);
            ended = true;
        });
        lane.Enqueue(_ =>
        {
            ranQueued = true;
            return Task.CompletedTask;
        });
        await began.Task.DefaultTimeout();
        await lane.RenewAsync().DefaultTimeout();
        Assert.That((ended, ranQueued), Is.EqualTo((true, false)));
        var again = new TaskCompletionSource();
        lane.Enqueue(_ =>
        {
            again.SetResult();
            return Task.CompletedTask;
        });
        await again.Task.DefaultTimeout();
    }

    [Test]
    public async Task Enqueue_AfterDispose_RunsNothing()
    {
        var lane = new WorkLane();
        await lane.DisposeAsync();
        var ran = false;
        lane.Enqueue(_ =>
        {
            ran = true;
            return Task.CompletedTask;
        });
        Assert.That(ran, Is.False);
    }
}
