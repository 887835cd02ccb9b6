using QbSync.Testing.Specifications;
using QbSync.Transport.Client.Connections;

namespace QbSync.Transport.Tests.Client.Connections;

/// <summary>Rows as a connection of 500 Mbit/s over 100 ms gave them: the send buffer at its 4 MiB held the sender.</summary>
[TransportCase(32)]
internal sealed class SendBufferRuleTests
{
    private const long MiB = 1 << 20;
    private const double Rate = 40e6;
    private static readonly SendBufferLimits Usual = new(4 * MiB, 4 * MiB);

    [Test]
    public void Sample_BufferHeldTheSenderTwice_SetsWhatTheWayHoldsOnce()
    {
        var rule = new SendBufferRule(Usual);

        Assert.That(Feed(rule, Rate, 0, 1.5, 3.1), Is.EqualTo(new int?[] { null, null, (int)(4 * MiB) }), "8 MB, of which 4 MiB may be set");
        Assert.That(Feed(rule, Rate, 4.5, 6, 8), Has.All.Null, "set already");
    }

    [Test]
    public void Sample_TwoOfThreeHeld_Sets() =>
        Assert.That(Feed(new SendBufferRule(Usual), Rate, 0, 1.5, 1.6, 3.0), Is.EqualTo(new int?[] { null, null, null, (int)(4 * MiB) }));

    [Test]
    public void Sample_HeldLessThanAFifth_LeavesIt() => Assert.That(Feed(new SendBufferRule(Usual), Rate, 0, 0.9, 1.8, 2.7, 3.6), Has.All.Null);

    [Test]
    public void Sample_NeedWithinAutotuning_LeavesIt() => Assert.That(Feed(new SendBufferRule(Usual), 20e6, 0, 2, 4, 6), Has.All.Null);

    [Test]
    public void Sample_NoLargerOneMayBeSet_LeavesIt() =>
        Assert.That(Feed(new SendBufferRule(new SendBufferLimits(4 * MiB, 212_992)), Rate, 0, 2, 4, 6), Has.All.Null, "as most systems come");

    [Test]
    public void Sample_KernelDoesNotTell_LeavesIt()
    {
        var rule = new SendBufferRule(Usual);
        var info = new TcpInfo { RoundTrip = TimeSpan.FromMilliseconds(100), LeastRoundTrip = TimeSpan.FromMilliseconds(100) };

        Assert.That(Enumerable.Range(1, 5).Select(i => rule.OnSample(TimeSpan.FromSeconds(5 * i), info, Rate)), Has.All.Null);
    }

    [Test]
    public void Limits_OfThisSystem_AreReadOnLinux()
    {
        var limits = SendBufferLimits.Read();

        Assert.That(limits is { AutotuningMost: > 0, SettableMost: > 0 }, Is.EqualTo(File.Exists("/proc/sys/net/core/wmem_max")));
    }

    private static int?[] Feed(SendBufferRule rule, double rate, params double[] limitedSeconds) =>
    [
        .. limitedSeconds.Select((limited, i) => rule.OnSample(
            TimeSpan.FromSeconds(5 * i),
            new TcpInfo
            {
                RoundTrip = TimeSpan.FromMilliseconds(110),
                LeastRoundTrip = TimeSpan.FromMilliseconds(100),
                BufferLimited = TimeSpan.FromSeconds(limited),
            },
            rate)),
    ];
}
