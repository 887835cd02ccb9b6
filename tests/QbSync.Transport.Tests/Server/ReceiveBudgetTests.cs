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

        Assert.That((budget.InUse, wakes > 0), Is.EqualTo((300 * Mebibyte, true)), "two seconds of a gigabit: its source is told of more without a release");
        for (var i = 0; i < 40; i++)
        {
            time.Advance(TimeSpan.FromMilliseconds(50));
            Fill(budget, share);
        }

        Assert.That(budget.InUse, Is.EqualTo(384 * Mebibyte), "the whole part, and no more");

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
    }

    /// <summary>Where the way is known, a slow disk has no more waiting before it than keeps it and the way busy.</summary>
    [TestCase(0.2, 10, 16, TestName = "a short way: the least")]
    [TestCase(0.2, 1, 16, TestName = "a short way at a gigabyte a second: 15 ms and four round trips")]
    [TestCase(50, 10, 21, TestName = "50 ms at 100 MiB/s: four round trips, and what waits")]
    [TestCase(600, 10, 32, TestName = "a long way: two windows at most")]
    public void Stream_WayIsKnown_KeepsAFewRoundTrips(double milliseconds, int millisecondsOfMebibyte, int mebibytes)
    {
        var time = new FakeTimeProvider();
        var budget = new ReceiveBudget(512 * Mebibyte, 16 * Mebibyte, time);
        var share = budget.Open(() => { });
        budget.NoteRoundTrip(share, TimeSpan.FromMilliseconds(milliseconds));
        Fill(budget, share);
        for (var i = 0; i < 1000; i++)
        {
            time.Advance(TimeSpan.FromMilliseconds(millisecondsOfMebibyte));
            budget.Release(share, Mebibyte);
            Fill(budget, share);
        }

        Assert.That(budget.InUse, Is.EqualTo(mebibytes * Mebibyte));
    }

    /// <summary>A disk that stands still for a moment is covered by what its source brings meanwhile, no more.</summary>
    [Test]
    public void Stream_DiskStandsStillForAMoment_TakesWhatComesAndNoMore()
    {
        var time = new FakeTimeProvider();
        var budget = new ReceiveBudget(512 * Mebibyte, 16 * Mebibyte, time);
        var share = budget.Open(() => { });
        budget.NoteRoundTrip(share, TimeSpan.FromMilliseconds(0.2));
        for (var i = 0; i < 500; i++)
        {
            Pass(written: 1);
        }

        var most = 0L;
        for (var i = 0; i < 200; i++)
        {
            Pass(written: 0);
            most = Math.Max(most, budget.InUse);
        }

        Assert.That(most, Is.EqualTo(200 * Mebibyte), "two seconds at 100 MiB/s, all of it");
        for (var i = 0; i < 66; i++)
        {
            Pass(written: 4);
        }

        Assert.That(budget.InUse, Is.LessThanOrEqualTo(4 * Mebibyte), "nor did the source wait while four times as much was written");

        void Pass(int written)
        {
            time.Advance(TimeSpan.FromMilliseconds(10));
            Assert.That(budget.TryReceive(share, Mebibyte), Is.True, "the source waits");
            for (; written > 0 && share.Released < share.Received; written--)
            {
                budget.Release(share, Mebibyte);
            }
        }
    }

    /// <summary>One that writes again, but no faster than its source, keeps what it has, and then works it off.</summary>
    [Test]
    public void Stream_DiskThatStoodStillStaysSlow_DoesNotFillItsPart()
    {
        var time = new FakeTimeProvider();
        var budget = new ReceiveBudget(512 * Mebibyte, 16 * Mebibyte, time);
        var share = budget.Open(() => { });
        budget.NoteRoundTrip(share, TimeSpan.FromMilliseconds(0.2));
        Write(200);
        for (var i = 0; i < 10; i++)
        {
            time.Advance(TimeSpan.FromMilliseconds(50));
            Fill(budget, share);
        }

        var after = budget.InUse;
        Assert.That(after, Is.InRange(17 * Mebibyte, 300 * Mebibyte));
        Write(400);
        Assert.That(budget.InUse, Is.LessThanOrEqualTo(after + (16 * Mebibyte)));
        Write(1000);
        Assert.That(budget.InUse, Is.EqualTo(16 * Mebibyte));

        void Write(int mebibytes)
        {
            for (; mebibytes > 0; mebibytes--)
            {
                Fill(budget, share);
                time.Advance(TimeSpan.FromMilliseconds(10));
                budget.Release(share, Mebibyte);
            }

            Fill(budget, share);
        }
    }

    private static void Fill(ReceiveBudget budget, BudgetShare share)
    {
        while (budget.TryReceive(share, Mebibyte))
        {
            // Until the credit is used up.
        }
    }
}
