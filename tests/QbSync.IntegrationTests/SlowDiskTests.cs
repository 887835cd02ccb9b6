using System.Collections.Concurrent;
using QbSync.Testing.Processes;
using QbSync.Testing.Specifications;

namespace QbSync.IntegrationTests;

/// <summary>A destination whose disk is far slower than its sources: the store's own, whose writes end when a test lets them.</summary>
internal sealed class SlowDiskTests
{
    private const int MiB = 1 << 20;
    private const int Budget = 16 * MiB;
    private const int Pieces = 64;

    /// <summary>
    /// What a disk that stands still lets pile up ends at the budget's part of a stream, three quarters where there is one; nothing of it is left in the end. It is
    /// read at each write, too, in the thread that makes it: there is no moment at which more is held than a look would show.
    /// </summary>
    [Test]
    [MetricCase("A21"), MetricCase("A22")]
    public async Task Budget_BeforeADiskThatIsSlow_IsNeverExceededAndAllOfItComesBack()
    {
        await using var destination = await SlowDestination.StartAsync(Budget);
        var torrent = new TorrentBuilder("slow.bin") { PieceLength = MiB, Length = Pieces * MiB, Seed = 21 }.Build();
        var looks = new ConcurrentQueue<(double InUse, double Limit)>();
        destination.OnWrite = () => looks.Enqueue(Look(destination.Scrape()));
        await using var source = await destination.OpenAsync(torrent);
        Assert.That(Look(destination.Scrape()), Is.EqualTo((0.0, (double)Budget)), "nothing came yet");

        var sending = source.SendAllAsync();
        await Eventually.BecomesTrueAsync(() => Look(destination.Scrape(), looks).InUse >= Budget / 2);
        Assert.That(source.Acks, Is.Zero, "it stands still");
        for (var writes = 1; writes <= 8; writes++)
        {
            // One write ends, and somebody comes to the next one or waits to.
            var before = destination.Writes;
            destination.Let(1);
            await Eventually.BecomesTrueAsync(() => Look(destination.Scrape(), looks).InUse > 0 && destination.Writes > before);
        }

        destination.LetAll();
        await sending.DefaultTimeout();
        await Eventually.BecomesTrueAsync(() => source.Acks == Pieces && Look(destination.Scrape(), looks).InUse == 0);
        Assert.That(looks.Select(static look => look.Limit), Has.All.EqualTo(Budget));
        Assert.That(looks.Select(static look => look.InUse), Has.All.LessThanOrEqualTo(Budget));
        Assert.That(looks, Has.Count.GreaterThan(Pieces), "at each write, and those of the test");
        Assert.That(source.Others, Is.Zero, "each piece was taken at once");
        await source.FinalizeAsync();
        Assert.That(destination.ReadContent("slow.bin"), Is.EqualTo(torrent.ReadFile(0)));
    }

    private static (double InUse, double Limit) Look(Scrape scrape, ConcurrentQueue<(double InUse, double Limit)>? looks = null)
    {
        var look = (scrape.Sum("qbsync_receive_budget_bytes_in_use"), scrape.Sum("qbsync_receive_budget_limit_bytes"));
        looks?.Enqueue(look);
        return look;
    }
}
