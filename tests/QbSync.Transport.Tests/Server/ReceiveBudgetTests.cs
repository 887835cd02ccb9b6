using Microsoft.Extensions.Time.Testing;
using QbSync.Testing.Specifications;
using QbSync.Transport.Server;

namespace QbSync.Transport.Tests.Server;

internal sealed class ReceiveBudgetTests
{
    private const long Mebibyte = 1 << 20;

    [Test]
    public void Open_FirstStream_GetsTheWindowAndNoMore()
    {
        var budget = new ReceiveBudget(512 * Mebibyte, 16 * Mebibyte);
        var share = budget.Open(() => { });
        Assert.That(budget.Read(share).Granted, Is.EqualTo(16 * Mebibyte));
    }

    [Test]
    public void Receive_BeyondCredit_IsRefused()
    {
        var budget = new ReceiveBudget(16 * Mebibyte, Mebibyte);
        var share = budget.Open(() => { });
        Assert.That(budget.TryReceive(share, Mebibyte + 1), Is.False);
        Assert.That(budget.TryReceive(share, Mebibyte), Is.True);
        budget.Release(share, Mebibyte);
        Assert.That(budget.TryReceive(share, Mebibyte + 1), Is.False);
        Assert.That(budget.TryReceive(share, Mebibyte), Is.True);
    }

    [Test]
    public void Receive_DiskThatWritesNothing_LetsTheStreamGoOnUpToItsPart()
    {
        var budget = new ReceiveBudget(64 * Mebibyte, Mebibyte);
        var share = budget.Open(() => { });
        var taken = 0;
        while (budget.TryReceive(share, Mebibyte))
        {
            taken++;
        }

        Assert.That(taken, Is.EqualTo(48), "three quarters of the budget, of which a stream alone may have all");
        Assert.That(budget.Open(() => { }).Granted, Is.EqualTo(Mebibyte), "and another one finds its window");
    }

    [Test]
    public void Open_WhenAllIsGranted_WaitsAndIsWokenByAnother()
    {
        var budget = new ReceiveBudget(16 * Mebibyte, 64 * Mebibyte);
        var woken = 0;
        var first = budget.Open(() => { });
        Assert.That(budget.Read(first).Granted, Is.EqualTo(12 * Mebibyte));
        var second = budget.Open(() => woken++);
        Assert.That(budget.Read(second).Granted, Is.EqualTo(4 * Mebibyte));
        Assert.That(budget.TryReceive(first, 4 * Mebibyte), Is.True);
        budget.Release(first, 4 * Mebibyte);
        Assert.That(woken, Is.EqualTo(1));
        Assert.That(budget.Read(second).Granted, Is.EqualTo(6 * Mebibyte));
        Assert.That(budget.Committed, Is.LessThanOrEqualTo(budget.Limit));
    }

    [Test]
    public void Return_GivesRoomToOthers_AndIsRefusedForWhatWasUsed()
    {
        var budget = new ReceiveBudget(16 * Mebibyte, 64 * Mebibyte);
        var first = budget.Open(() => { });
        var second = budget.Open(() => { });
        Assert.That(budget.TryReceive(first, 2 * Mebibyte), Is.True);
        Assert.That(budget.TryReturn(first, Mebibyte), Is.False);
        Assert.That(budget.TryReturn(first, 3 * (ulong)Mebibyte), Is.True);
        Assert.That(budget.Read(first), Is.EqualTo((2 * Mebibyte, 3 * Mebibyte, 1L)));
        Assert.That(budget.Read(second).Granted, Is.EqualTo(6 * Mebibyte));
    }

    [Test]
    public void Streams_AnyOrderOfEvents_StayWithinTheLimitAndReturnToZero()
    {
        var random = new Random(7);
        var budget = new ReceiveBudget(16 * Mebibyte, 16 * Mebibyte);
        List<BudgetShare> shares = [];
        for (var i = 0; i < 20_000; i++)
        {
            if (shares.Count == 0 || (shares.Count < 40 && random.Next(10) == 0))
            {
                shares.Add(budget.Open(() => { }));
            }

            var share = shares[random.Next(shares.Count)];
            var (received, granted, _) = budget.Read(share);
            switch (random.Next(20))
            {
                case 0:
                    budget.Close(share);
                    shares.Remove(share);
                    break;
                case 1:
                    budget.TryReturn(share, (ulong)(received + random.NextInt64(Mebibyte)));
                    break;
                case < 12 when granted > received:
                    Assert.That(budget.TryReceive(share, Math.Min(granted - received, random.NextInt64(1, Mebibyte))), Is.True);
                    break;
                case < 19 when received > share.Released:
                    budget.Release(share, random.NextInt64(1, received - share.Released + 1));
                    break;
                default:
                    break;
            }

            Assert.That(budget.Committed, Is.InRange(budget.InUse, budget.Limit));
        }

        shares.ForEach(budget.Close);
        Assert.That((budget.Committed, budget.InUse), Is.EqualTo((0L, 0L)));
    }

    [Test]
    public void Streams_ManyThatAllDrain_EachGetsItsLeastAllowance()
    {
        var budget = new ReceiveBudget(16 * Mebibyte, 16 * Mebibyte);
        List<BudgetShare> shares = [.. Enumerable.Range(0, 32).Select(_ => budget.Open(() => { }))];
        for (var round = 0; round < 3; round++)
        {
            foreach (var share in shares)
            {
                var (received, granted, _) = budget.Read(share);
                if (granted > received)
                {
                    budget.TryReceive(share, granted - received);
                    budget.Release(share, granted - received);
                }
            }
        }

        Assert.That(shares.Select(share => budget.Read(share).Granted - share.Released), Is.All.GreaterThanOrEqualTo(256 << 10));
    }

    [Test]
    [TransportCase(20)]
    public void Stream_SlowerDisk_KeepsTwoWindows_AndTheWholePartWhileItStandsStill()
    {
        var time = new FakeTimeProvider();
        var (budget, wakes) = (new ReceiveBudget(512 * Mebibyte, 16 * Mebibyte, time), 0);
        var share = budget.Open(() => wakes++);
        Fill(budget, share);
        for (var i = 0; i < 1000; i++)
        {
            time.Advance(TimeSpan.FromMilliseconds(10));
            budget.Release(share, Mebibyte);
            Fill(budget, share);
        }

        Assert.That(budget.InUse, Is.EqualTo(32 * Mebibyte), "it is slow, and does not stand still");

        for (var i = 0; i < 40; i++)
        {
            time.Advance(TimeSpan.FromMilliseconds(50));
            Fill(budget, share);
        }

        Assert.That((budget.InUse, wakes > 0), Is.EqualTo((384 * Mebibyte, true)), "it stands still: its source is told of more without a release");

        for (var i = 0; i < 600; i++)
        {
            time.Advance(TimeSpan.FromMilliseconds(10));
            budget.Release(share, Mebibyte);
            Fill(budget, share);
        }

        Assert.That(budget.InUse, Is.LessThan(384 * Mebibyte), "five seconds later the queue is worked off");
        for (var i = 0; i < 400; i++)
        {
            time.Advance(TimeSpan.FromMilliseconds(10));
            budget.Release(share, Mebibyte);
            Fill(budget, share);
        }

        Assert.That(budget.InUse, Is.EqualTo(32 * Mebibyte));

        static void Fill(ReceiveBudget budget, BudgetShare share)
        {
            while (budget.TryReceive(share, Mebibyte))
            {
                // Until the credit is used up.
            }
        }
    }
}
