using CsCheck;
using QbSync.Testing.Specifications;
using QbSync.Transport.Congestion;

namespace QbSync.Transport.Tests.Congestion;

internal sealed class LinkModelTests
{
    private const long Plenty = long.MaxValue / 2;
    private const int Chunk = 128 * 1024;
    private readonly CongestionOptions _options = new();

    [TestCase(-1)]
    [TestCase(1)]
    [TestCase(long.MaxValue)]
    [TransportCase(19)]
    public void OnReport_BeyondWhatWasHandedOverOrFalling_IsRefused(long received)
    {
        var (model, window) = Open();

        Assert.That(model.OnReport(window, received, 0, 0, TimeSpan.Zero, TimeSpan.Zero), Is.False);
        Assert.That((model.InFlight, window.InFlight), Is.EqualTo((0L, 0L)));
    }

    [Test]
    [TransportCase(19)]
    public void OnReport_OfMoreReturnsThanWereMade_IsRefused()
    {
        var (model, window) = Open();

        Assert.That(model.OnReport(window, 0, Plenty, 1, TimeSpan.Zero, TimeSpan.Zero), Is.False);
    }

    [Test]
    [TransportCase(19)]
    public void ReturnCredit_CrossingARaise_CountsOnlyWhatThePeerSaidAfterIt()
    {
        var (model, window) = Open(credit: 16 << 20);
        var limit = model.ReturnCredit(window, 1 << 20);

        Assert.That(model.OnReport(window, 0, 20 << 20, 0, TimeSpan.Zero, TimeSpan.Zero), Is.True);
        Assert.That((limit, window.Credit), Is.EqualTo((1L << 20, 1L << 20)), "said before it knew");

        model.OnReport(window, 0, 5 << 20, 1, TimeSpan.Zero, TimeSpan.Zero);
        Assert.That(window.Credit, Is.EqualTo(5L << 20));
    }

    [Test]
    public void OnReport_LowerCredit_TakesNothingBack()
    {
        var (model, window) = Open(credit: 256 * 1024);

        model.OnReport(window, 0, 1, 0, TimeSpan.Zero, TimeSpan.Zero);

        Assert.That(window.Credit, Is.EqualTo(256 * 1024));
    }

    [Test]
    public void TakeBack_OfWhatThePeerSaysItHas_LeavesNothingNegative()
    {
        var (model, window) = Open();
        model.OnHandedOver(window, Chunk, TimeSpan.Zero);
        model.OnReport(window, Chunk, Plenty, 0, TimeSpan.Zero, TimeSpan.FromMilliseconds(1));

        model.TakeBack(window, Chunk, TimeSpan.FromMilliseconds(1));

        Assert.That((model.InFlight, window.InFlight, window.HandedOver), Is.EqualTo((0L, 0L, (long)Chunk)));
    }

    [Test]
    [TransportCase(19)]
    public void TakeBack_AfterTheStreamEnded_LeavesNothingNegative()
    {
        var (model, window) = Open();
        model.OnHandedOver(window, Chunk, TimeSpan.Zero);
        model.Remove(window, TimeSpan.Zero);

        model.TakeBack(window, Chunk, TimeSpan.Zero);

        Assert.That(model.InFlight, Is.Zero, "its chunks left the count with it, and once");
    }

    [Test]
    public void Remove_StreamWithBytesInFlight_LeavesTheLinksCountAndNoOtherWindow()
    {
        var (model, lost) = Open();
        var other = model.Add(Plenty, CongestionWindow.Largest, TimeSpan.Zero);
        model.OnHandedOver(lost, Chunk, TimeSpan.Zero);
        model.OnHandedOver(other, Chunk, TimeSpan.Zero);
        var before = other.Size;

        model.Remove(lost, TimeSpan.Zero);

        Assert.That((model.InFlight, other.Size, other.InFlight), Is.EqualTo(((long)Chunk, before, (long)Chunk)));
    }

    [Test]
    [TransportCase(17)]
    public void Room_PieceLargerThanWindowAndCredit_PassesChunkByChunk()
    {
        const long Piece = 512L << 20;
        var model = new LinkModel(_options);
        var window = model.Add(256 * 1024, CongestionWindow.Smallest, TimeSpan.Zero);
        var (sent, now) = (0L, TimeSpan.Zero);
        while (sent < Piece)
        {
            now += TimeSpan.FromMilliseconds(1);
            if (model.Room(window, (int)Math.Min(window.ChunkSize, Piece - sent), now, out _) is > 0 and var room)
            {
                model.OnHandedOver(window, ChunkWeight.Of(room), now);
                sent += room;
            }
            else
            {
                Assert.That(window.InFlight, Is.Positive, "something must be on the way to wait for");
                model.OnReport(window, window.HandedOver, window.HandedOver + (256 * 1024), 0, TimeSpan.Zero, now);
            }
        }

        Assert.That(window.Size, Is.EqualTo(CongestionWindow.Smallest));
    }

    [Test]
    [TransportCase(16)]
    public void Silence_OfAMinute_BeginsAnew()
    {
        var model = new LinkModel(_options);
        model.OnNetworkRoundTrip(TimeSpan.FromMilliseconds(10), TimeSpan.Zero);
        var window = model.Add(Plenty, CongestionWindow.Largest, TimeSpan.Zero);
        var now = Exchange(model, window, TimeSpan.Zero, TimeSpan.FromSeconds(10));
        Assert.That(model.State, Is.EqualTo(LinkState.Steady));

        model.OnHandedOver(window, Chunk, now + TimeSpan.FromSeconds(59));
        Assert.That(model.State, Is.EqualTo(LinkState.Steady), "a little less than a minute");
        model.OnReport(window, window.HandedOver, Plenty, 0, TimeSpan.Zero, now + TimeSpan.FromSeconds(59));
        model.OnHandedOver(window, Chunk, now + TimeSpan.FromSeconds(120));

        Assert.That((model.State, model.Rate, window.Size), Is.EqualTo((LinkState.Startup, 0.0, (long)_options.StartWindow)));
    }

    /// <summary>Any order of chunks, reports, credits, losses, additions and pauses.</summary>
    [Test]
    [TransportCase(14)]
    public void Model_AnyHistory_KeepsItsPromises() =>
        Gen.Select(Gen.Int[0, 9], Gen.Int[0, 7], Gen.Int[1, 2 * 1024 * 1024], Gen.Int[0, 3000]).List[1, 200].Sample(
            steps =>
            {
                var model = new LinkModel(_options);
                var now = TimeSpan.Zero;
                foreach (var (what, which, amount, milliseconds) in steps)
                {
                    now += TimeSpan.FromMilliseconds(milliseconds);
                    Step(model, what, which, amount, now);
                    if (!IsSound(model, now))
                    {
                        return false;
                    }
                }

                return true;
            },
            iter: 10_000);

    [Test]
    [TransportCase(47)]
    public void Chunks_Many_AllocateNothing()
    {
        var (model, window) = Open();
        var now = Exchange(model, window, TimeSpan.Zero, TimeSpan.FromSeconds(10));
        var before = GC.GetAllocatedBytesForCurrentThread();

        Exchange(model, window, now, TimeSpan.FromSeconds(300));

        Assert.That(GC.GetAllocatedBytesForCurrentThread() - before, Is.Zero);
    }

    private static void Step(LinkModel model, int what, int which, int amount, TimeSpan now)
    {
        if (model.Windows.Count == 0 || (what == 0 && model.Windows.Count < 8))
        {
            model.Add(amount, 4 * 1024 * 1024, now);
            return;
        }

        var window = model.Windows[which % model.Windows.Count];
        switch (what)
        {
            case 1 when amount % 3 == 0:
                model.Remove(window, now);
                break;
            case 2 or 3 or 4 when model.Room(window, Math.Min(amount, 1024 * 1024), now, out _) is > 0 and var room:
                if (window.InFlight >= window.Size || model.InFlight >= model.Size)
                {
                    throw new InvalidOperationException("A chunk may go above a window.");
                }

                model.OnHandedOver(window, ChunkWeight.Of(room), now);
                break;
            case 5 or 6:
                model.OnReport(window, Math.Min(window.HandedOver, window.Received + amount), window.Credit, window.Returns, TimeSpan.Zero, now);
                break;
            case 7:
                model.OnReport(window, window.Received, window.Credit + amount, window.Returns, TimeSpan.FromMilliseconds(1), now);
                break;
            case 8 when window.InFlight == 0:
                model.ReturnCredit(window, amount);
                break;
            default:
                model.MarkLimited(window);
                model.OnTcpLimits(amount % 2 == 0, now);
                break;
        }
    }

    private static bool IsSound(LinkModel model, TimeSpan now)
    {
        var inFlight = 0L;
        var mayGo = false;
        var hasCredit = false;
        foreach (var window in model.Windows)
        {
            if (window.InFlight < 0 || window.HandedOver > window.Credit || window.Size is < CongestionWindow.Smallest or > CongestionWindow.Largest)
            {
                return false;
            }

            inFlight += window.InFlight;
            hasCredit |= window.Credit - window.HandedOver >= ChunkWeight.Least;
            mayGo |= model.Room(window, 1, now, out _) > 0;
        }

        return model.InFlight >= 0 && model.InFlight <= inFlight && (inFlight > 0 || !hasCredit || mayGo);
    }

    /// <summary>Sends as much as goes, with reports ten milliseconds later.</summary>
    private static TimeSpan Exchange(LinkModel model, CongestionWindow window, TimeSpan now, TimeSpan duration)
    {
        for (var end = now + duration; now < end;)
        {
            var before = window.HandedOver;
            while (window.InFlight < 1024 * 1024 && model.Room(window, window.ChunkSize, now, out _) is > 0 and var room)
            {
                model.OnHandedOver(window, ChunkWeight.Of(room), now);
            }

            now += TimeSpan.FromMilliseconds(10);
            if (window.HandedOver > before)
            {
                model.OnReport(window, window.HandedOver, Plenty, 0, TimeSpan.Zero, now);
            }

            model.Advance(now);
        }

        return now;
    }

    private (LinkModel Model, CongestionWindow Window) Open(long credit = Plenty)
    {
        var model = new LinkModel(_options);
        return (model, model.Add(credit, CongestionWindow.Largest, TimeSpan.Zero));
    }
}
