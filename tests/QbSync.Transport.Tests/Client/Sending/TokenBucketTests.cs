using CsCheck;
using QbSync.Testing.Specifications;
using QbSync.Transport.Client.Sending;

namespace QbSync.Transport.Tests.Client.Sending;

internal sealed class TokenBucketTests
{
    private const int Chunk = 16 * 1024;

    [Test]
    public void Take_NoLimit_NeverWaits() =>
        Assert.That(new TokenBucket().Take(int.MaxValue, TimeSpan.Zero), Is.EqualTo(TimeSpan.Zero));

    [Test]
    public void Take_AfterTheWaitThatItGave_Passes()
    {
        var bucket = new TokenBucket();
        bucket.SetRate(64 * 1024, TimeSpan.Zero);
        var now = TimeSpan.FromSeconds(10);
        bucket.Take(Chunk, now);

        var wait = bucket.Take(Chunk, now);

        Assert.That(wait, Is.GreaterThan(TimeSpan.Zero));
        Assert.That(bucket.Take(Chunk, now + wait), Is.EqualTo(TimeSpan.Zero));
    }

    [Test]
    public void Take_SlowLinkThatWasIdle_SavesUpAQuarterOfASecondOnly()
    {
        var bucket = new TokenBucket();
        bucket.SetRate(64 * 1024, TimeSpan.Zero);

        Assert.That(bucket.Take(Chunk, TimeSpan.FromHours(1)), Is.EqualTo(TimeSpan.Zero));
        Assert.That(bucket.Take(Chunk, TimeSpan.FromHours(1)).TotalSeconds, Is.EqualTo(0.25).Within(0.01));
    }

    [Test]
    public void Take_ChunkOfAFasterLink_PassesAndIsPaidForLater()
    {
        var bucket = new TokenBucket();
        bucket.SetRate(64 * 1024, TimeSpan.Zero);

        Assert.That(bucket.Take(1024 * 1024, TimeSpan.FromHours(1)), Is.EqualTo(TimeSpan.Zero));
        Assert.That(bucket.Take(Chunk, TimeSpan.FromHours(1)).TotalSeconds, Is.EqualTo(16).Within(0.1));
    }

    /// <summary>Any window of time carries at most rate x t + burst, also when the rate changes in it.</summary>
    [Test]
    [TransportCase(31)]
    public void Take_AnyHistory_KeepsTheLaw() =>
        Gen.Select(Gen.Int[0, 9], Gen.Int[1, Chunk], Gen.Int[0, 400], Gen.Long[64 * 1024, 64 * 1024 * 1024]).List[1, 200].Sample(
            steps =>
            {
                var bucket = new TokenBucket();
                var now = TimeSpan.Zero;
                bucket.SetRate(1024 * 1024, now);

                // What each window that began at an earlier step may still carry.
                var left = new List<double>();
                foreach (var (what, bytes, milliseconds, rate) in steps)
                {
                    var step = TimeSpan.FromMilliseconds(milliseconds);
                    now += step;
                    for (var i = 0; i < left.Count; i++)
                    {
                        left[i] += bucket.Rate * step.TotalSeconds;
                    }

                    if (what == 0)
                    {
                        bucket.SetRate(rate, now);
                    }

                    left.Add(bucket.Burst);
                    if (bucket.Take(bytes, now) == TimeSpan.Zero)
                    {
                        for (var i = 0; i < left.Count; i++)
                        {
                            left[i] -= bytes;
                            if (left[i] < -1)
                            {
                                return false;
                            }
                        }
                    }
                }

                return true;
            },
            iter: 2000);
}
