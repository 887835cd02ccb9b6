using CsCheck;
using QbSync.Transport.Congestion;

namespace QbSync.Transport.Tests.Congestion;

internal sealed class CongestionWindowTests
{
    private const long Mbit = 1_000_000 / 8;

    [TestCase(1000, 0.2)]
    [TestCase(100, 50)]
    [TestCase(500, 100)]
    [TestCase(20, 600)]
    public void Window_GreedySender_FillsTheLink(int megabits, double milliseconds)
    {
        var roundTrip = TimeSpan.FromMilliseconds(milliseconds);
        var link = new SimulatedLink(megabits * Mbit, roundTrip);
        var window = Open();

        var settled = TimeSpan.FromSeconds(3) + (10 * roundTrip);
        link.RunUntil(window, settled);
        var before = (link.Now, link.Delivered);
        link.RunUntil(window, settled + TimeSpan.FromSeconds(20));

        var seconds = (link.Now - before.Now).TotalSeconds;
        Assert.That((link.Delivered - before.Delivered) / seconds / link.BytesPerSecond, Is.GreaterThanOrEqualTo(0.95));
    }

    [Test]
    public void Window_SlowLink_KeepsTheQueueShort()
    {
        var link = new SimulatedLink(100 * Mbit, TimeSpan.FromMilliseconds(50));
        var window = Open();

        link.RunUntil(window, TimeSpan.FromSeconds(30));

        var bandwidthDelay = link.BytesPerSecond * 0.050;
        Assert.That(window.InFlight, Is.LessThanOrEqualTo((2.5 * bandwidthDelay) + (3 * window.ChunkSize)));
    }

    [Test]
    public void Window_CapacityDoubles_IsUsedSoon()
    {
        var link = new SimulatedLink(100 * Mbit, TimeSpan.FromMilliseconds(50));
        var window = Open();
        link.RunUntil(window, TimeSpan.FromSeconds(10));

        link.BytesPerSecond *= 2;
        link.RunUntil(window, TimeSpan.FromSeconds(15));
        var before = (link.Now, link.Delivered);
        link.RunUntil(window, TimeSpan.FromSeconds(25));

        var rate = (link.Delivered - before.Delivered) / (link.Now - before.Now).TotalSeconds;
        Assert.That(rate / link.BytesPerSecond, Is.GreaterThanOrEqualTo(0.95));
    }

    [Test]
    public void Window_SourceLimited_DoesNotShrink()
    {
        var link = new SimulatedLink(100 * Mbit, TimeSpan.FromMilliseconds(50));
        var window = Open();
        link.RunUntil(window, TimeSpan.FromSeconds(10));
        var before = window.Size;

        for (var i = 0; i < 600; i++)
        {
            window.MarkLimited();
            link.Idle(window, TimeSpan.FromSeconds(1));
            link.RunUntil(window, link.Now + TimeSpan.FromTicks(1));
        }

        Assert.That(window.Size, Is.GreaterThanOrEqualTo(before * 0.9));
    }

    [Test]
    public void Window_NothingInFlightForAMinute_BeginsAnew()
    {
        var link = new SimulatedLink(1000 * Mbit, TimeSpan.FromMilliseconds(10));
        var window = Open();
        link.RunUntil(window, TimeSpan.FromSeconds(10));
        var before = window.Size;

        link.Idle(window, TimeSpan.FromSeconds(61));
        window.OnHandedOver(ChunkWeight.Least, link.Now);

        Assert.That((before, window.Size), Is.EqualTo((before, 512L * 1024)));
        Assert.That(before, Is.GreaterThan(1024 * 1024));
    }

    [TestCase(-1)]
    [TestCase(1)]
    [TestCase(long.MaxValue)]
    public void OnReport_BeyondWhatWasHandedOverOrFalling_IsRefused(long received)
    {
        var window = Open();

        Assert.That(window.OnReport(received, 0, TimeSpan.Zero, TimeSpan.Zero), Is.False);
        Assert.That(window.InFlight, Is.Zero);
    }

    [Test]
    public void OnReport_LowerCredit_TakesNothingBack()
    {
        var window = new CongestionWindow(new CongestionOptions());
        window.Open(256 * 1024, CongestionWindow.Largest);

        window.OnReport(0, 1, TimeSpan.Zero, TimeSpan.Zero);

        Assert.That(window.Credit, Is.EqualTo(256 * 1024));
    }

    [Test]
    public void Room_CreditSmallerThanAChunk_PassesAPieceOfAnySize()
    {
        var window = new CongestionWindow(new CongestionOptions());
        window.Open(100_000, CongestionWindow.Largest);
        var sent = 0L;

        for (var step = 0; step < 10_000; step++)
        {
            var room = window.Room(1024 * 1024, out var hold);
            if (room > 0)
            {
                window.OnHandedOver(ChunkWeight.Of(room), TimeSpan.FromMilliseconds(step));
                sent += room;
            }
            else
            {
                Assert.That(hold, Is.EqualTo(SendHold.Credit));
                window.OnReport(window.HandedOver, window.HandedOver + 100_000, TimeSpan.Zero, TimeSpan.FromMilliseconds(step));
            }
        }

        Assert.That(sent, Is.GreaterThan(400_000_000));
    }

    /// <summary>Any order of chunks, reports, credits and pauses: never negative, never beyond credit, never stuck.</summary>
    [Test]
    public void Window_AnyHistory_KeepsItsPromises() =>
        Gen.Select(Gen.Int[0, 3], Gen.Int[1, 2 * 1024 * 1024], Gen.Int[0, 5000]).List[1, 400].Sample(
            steps =>
            {
                var window = new CongestionWindow(new CongestionOptions());
                window.Open(300_000, 4 * 1024 * 1024);
                var now = TimeSpan.Zero;
                foreach (var (what, amount, milliseconds) in steps)
                {
                    now += TimeSpan.FromMilliseconds(milliseconds);
                    Step(window, what, amount, now);
                    if (window.InFlight < 0 || window.HandedOver > window.Credit || window.Size is < CongestionWindow.Smallest or > 4 * 1024 * 1024)
                    {
                        return false;
                    }

                    var mayBegin = window.InFlight == 0 && window.Credit - window.HandedOver >= ChunkWeight.Least;
                    if ((mayBegin && window.Room(1, out _) == 0) || (window.InFlight >= window.Size && window.HasRoom))
                    {
                        return false;
                    }
                }

                return true;
            },
            iter: 2000);

    private static void Step(CongestionWindow window, int what, int amount, TimeSpan now)
    {
        switch (what)
        {
            case 0 or 1 when window.Room(Math.Min(amount, 1024 * 1024), out _) is > 0 and var room:
                window.OnHandedOver(ChunkWeight.Of(room), now);
                break;
            case 2:
                window.OnReport(Math.Min(window.HandedOver, window.Received + amount), window.Credit, TimeSpan.Zero, now);
                break;
            case 3:
                window.OnReport(window.Received, window.Credit + amount, TimeSpan.FromMilliseconds(1), now);
                break;
            default:
                window.MarkLimited();
                break;
        }
    }

    private static CongestionWindow Open()
    {
        var window = new CongestionWindow(new CongestionOptions());
        window.Open(long.MaxValue / 2, CongestionWindow.Largest);
        return window;
    }
}
