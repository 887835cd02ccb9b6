using Microsoft.Extensions.Time.Testing;
using QbSync.Engine.Destination.Finalization;
using QbSync.Testing.Waiting;

namespace QbSync.Engine.Tests.Destination.Finalization;

public sealed class FinalizeQueueTests
{
    [Test]
    public async Task Enter_WhileAllWorkersAreTaken_LetsTheSmallestInFirst()
    {
        var queue = new FinalizeQueue(1, new FakeTimeProvider());
        var holder = await queue.EnterAsync(1, CancellationToken.None);
        var large = queue.EnterAsync(1000, CancellationToken.None).AsTask();
        var small = queue.EnterAsync(10, CancellationToken.None).AsTask();
        Assert.That(queue.Depth, Is.EqualTo(2));
        holder.Dispose();
        holder.Dispose();
        var place = await small.DefaultTimeout();
        Assert.That(large.IsCompleted, Is.False);
        place.Dispose();
        (await large.DefaultTimeout()).Dispose();
        Assert.That(queue.Depth, Is.Zero);
    }

    [Test]
    public async Task Enter_AfterWaitingLong_GoesBeforeASmallerOne()
    {
        var time = new FakeTimeProvider();
        var queue = new FinalizeQueue(1, time);
        var holder = await queue.EnterAsync(1, CancellationToken.None);
        var large = queue.EnterAsync(10L << 30, CancellationToken.None).AsTask();
        time.Advance(TimeSpan.FromMinutes(11));
        var small = queue.EnterAsync(10, CancellationToken.None).AsTask();
        holder.Dispose();
        await large.DefaultTimeout();
        Assert.That(small.IsCompleted, Is.False);
    }

    [Test]
    public async Task Enter_Cancelled_LeavesTheQueueAndTakesNoPlace()
    {
        var queue = new FinalizeQueue(1, new FakeTimeProvider());
        var holder = await queue.EnterAsync(1, CancellationToken.None);
        using var cancel = new CancellationTokenSource();
        var waiting = queue.EnterAsync(1, cancel.Token).AsTask();
        await cancel.CancelAsync();
        Assert.That(async () => await waiting.DefaultTimeout(), Throws.InstanceOf<OperationCanceledException>());
        holder.Dispose();
        (await queue.EnterAsync(1, CancellationToken.None).DefaultTimeout()).Dispose();
    }
}
