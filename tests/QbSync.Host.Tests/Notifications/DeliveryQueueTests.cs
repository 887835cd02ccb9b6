using QbSync.Engine.Status;
using QbSync.Host.Notifications;

namespace QbSync.Host.Tests.Notifications;

/// <summary>Who is next, and who is dropped.</summary>
internal sealed class DeliveryQueueTests
{
    [Test]
    public void Add_MoreThanItHolds_DropsTheOldestAlsoIfThatWaitsForAnotherTry()
    {
        var queue = new DeliveryQueue(2);
        Assert.That(queue.Add(Make("a", 1, dueAt: 100)), Is.Null);
        Assert.That(queue.Add(Make("a", 2)), Is.Null);
        Assert.That(queue.Add(Make("a", 3))!.Number, Is.EqualTo(1));
        Assert.That(queue.Add(Make("a", 1))!.Number, Is.EqualTo(1), "it comes back, and is the oldest");
        Assert.That(queue.Count, Is.EqualTo(2));
    }

    [Test]
    public void Take_OneReceiverHasManyUnderWay_GivesTheOtherItsTurn()
    {
        var queue = new DeliveryQueue(10);
        for (var number = 1; number <= 4; number++)
        {
            queue.Add(Make("hangs", number));
        }

        queue.Add(Make("works", 5));
        var first = queue.Take(TimeSpan.Zero)!;
        Assert.That(first.Number, Is.EqualTo(1));
        Assert.That(queue.Take(TimeSpan.Zero)!.Number, Is.EqualTo(5));
        Assert.That(queue.Take(TimeSpan.Zero)!.Number, Is.EqualTo(2));
        queue.Ended(first);
        Assert.That(queue.Take(TimeSpan.Zero)!.Number, Is.EqualTo(3));
    }

    [Test]
    public void Take_NothingIsDue_GivesNoneAndSaysWhen()
    {
        var queue = new DeliveryQueue(10);
        queue.Add(Make("a", 1, dueAt: 30));
        queue.Add(Make("a", 2, dueAt: 20));
        Assert.That(queue.Take(TimeSpan.FromSeconds(19)), Is.Null);
        Assert.That(queue.NextDue, Is.EqualTo(TimeSpan.FromSeconds(20)));
        Assert.That(queue.RemoveLaterThan(TimeSpan.FromSeconds(25)), Is.EqualTo(1));
        Assert.That(queue.Take(TimeSpan.FromSeconds(20))!.Number, Is.EqualTo(2));
        Assert.That(queue.NextDue, Is.Null);
    }

    private static Delivery Make(string receiver, long number, double dueAt = 0) =>
        new(receiver, Told.Of(EngineEventKind.SpaceLow), number, 0, TimeSpan.FromSeconds(dueAt));
}
