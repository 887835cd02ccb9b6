using QbSync.Testing.Specifications;

namespace QbSync.Transport.Tests.Congestion;

/// <summary>
/// What the windows reach on links of all kinds, in virtual time: streams share a bottleneck, and the destination's disk, four times as fast as it, stands still
/// two of ten seconds.
/// </summary>
[TransportCase(14)]
internal sealed class SimulatedLinkTests
{
    private const double Mbit = 1_000_000 / 8.0;
    private VirtualTime _time = null!;
    private Bottleneck _link = null!;
    private Random _random = null!;

    [Test]
    [TransportCase(20)]
    public void Utilisation_GreedySource_FillsTheLinkAndKeepsTheQueueShort(
        [Values] Way way, [Values(1, 4, 8)] int streams)
    {
        var source = Connect(way, streams);
        RunFor(3 + (10 * RoundTrip));
        source.InFlight.Clear();

        Assert.That(Utilisation(30), Is.GreaterThanOrEqualTo(0.95));
        Assert.That(Median(source), Is.LessThanOrEqualTo(MostInFlight(source)));
    }

    [TestCase(Way.Lan, 1.0)]
    [TestCase(Way.Near, 1.0)]
    [TestCase(Way.Far, 1.5)]
    [TestCase(Way.Satellite, 5.0)]
    public void Utilisation_FromCold_IsReachedSoon(Way way, double within)
    {
        foreach (var streams in new[] { 1, 4, 8 })
        {
            Connect(way, streams);
            Assert.That(SecondsUntilFull(within), Is.LessThanOrEqualTo(within), $"{streams} streams");
        }
    }

    [Test]
    public void Capacity_DoublesAndHalves_IsFollowed([Values] Way way, [Values(1, 4, 8)] int streams)
    {
        var source = Connect(way, streams);
        var isLong = way == Way.Satellite;
        RunFor(20);

        _link.BytesPerSecond *= 2;
        RunFor(isLong ? 10 : 5);
        Assert.That(Utilisation(20), Is.GreaterThanOrEqualTo(0.95), "after it doubled");

        _link.BytesPerSecond /= 2;
        RunFor(isLong ? 60 : 20);
        source.InFlight.Clear();
        Assert.That(Utilisation(20), Is.GreaterThanOrEqualTo(0.95), "after it halved");
        Assert.That(Median(source), Is.LessThanOrEqualTo(MostInFlight(source)), "after it halved");
    }

    [Test]
    public void Streams_EqualOnes_GetEqualParts([Values] Way way, [Values(4, 8)] int streams)
    {
        var source = Connect(way, streams - 1);
        RunFor(10);
        source.Add();
        RunFor(1 + (10 * RoundTrip));
        var before = source.Senders.Select(static sender => sender.Arrived).ToArray();

        RunFor(60);

        var parts = source.Senders.Select((sender, i) => sender.Arrived - before[i]).ToArray();
        Assert.That((double)parts.Min() / parts.Max(), Is.GreaterThanOrEqualTo(0.5), "one of them came ten seconds late");
    }

    /// <summary>Two processes know nothing of each other but the queue. The first minutes go by until both drain at the same moment.</summary>
    [Test]
    public void Links_OfTwoProcesses_ShareTheWay([Values] Way way, [Values(1, 4, 8)] int streams, [Values(0, 3, 10)] int late)
    {
        var first = Connect(way, streams);
        RunFor(late);
        var second = new SimulatedSource(_time, _link, NewDestination(), streams);
        RunFor(60);
        var before = (first.Arrived, second.Arrived);
        first.InFlight.Clear();
        second.InFlight.Clear();

        Assert.That(Utilisation(120), Is.GreaterThanOrEqualTo(0.95));
        var (one, other) = (first.Arrived - before.Item1, second.Arrived - before.Item2);
        var together = first.InFlight.Zip(second.InFlight, static (a, b) => a + b).Order().ToArray();
        TestContext.Out.WriteLine($"{one >> 20} and {other >> 20} MiB; in flight {together[together.Length / 2] / (_link.BytesPerSecond * RoundTrip):F1} BDP");

        Assert.That((double)Math.Min(one, other) / Math.Max(one, other), Is.GreaterThanOrEqualTo(0.5));

        // Eight streams have two small chunks each, which on the slow ways is more than a round trip delivers.
        var most = streams > 4 ? 12 : 10;
        Assert.That(together[together.Length / 2], Is.LessThanOrEqualTo(most * _link.BytesPerSecond * Math.Max(RoundTrip, 0.05)));
    }

    [TestCase(10, 20, 1)]
    [TestCase(10, 20, 4)]
    [TestCase(10, 20, 8)]
    [TestCase(10, 60, 4)]
    [TestCase(10, 60, 8)]
    [TestCase(50, 20, 1)]
    [TestCase(50, 20, 4)]
    [TestCase(50, 20, 8)]
    [TestCase(50, 60, 4)]
    [TestCase(50, 60, 8)]
    [TestCase(100, 20, 4)]
    [TestCase(100, 60, 8)]
    public void Jitter_Exponential_LeavesTheLinkFull(int roundTrip, int jitter, int streams)
    {
        Connect(100, roundTrip, streams, jitter);
        RunFor(30);

        Assert.That(Utilisation(60), Is.GreaterThanOrEqualTo(0.95));
    }

    /// <summary>What comes in order behind one late chunk is late with it, and one stream has no other that goes on meanwhile.</summary>
    [TestCase(10)]
    [TestCase(50)]
    [TestCase(100)]
    public void Jitter_OfOneStream_LeavesMostOfTheLink(int roundTrip)
    {
        Connect(100, roundTrip, 1, 60);
        RunFor(30);

        Assert.That(Utilisation(60), Is.GreaterThanOrEqualTo(0.8));
    }

    [Test]
    public void Chunks_OftenARoundTripLate_LeaveMostOfTheLink([Values(Way.Near, Way.Far, Way.Satellite)] Way way, [Values(1, 4, 8)] int streams)
    {
        Connect(way, streams, lateChance: 0.9);
        RunFor(30);

        Assert.That(Utilisation(60), Is.GreaterThanOrEqualTo(0.9));
    }

    [Test]
    public void Silence_OfHalfAMinute_CostsNothing([Values] Way way, [Values(1, 4, 8)] int streams)
    {
        var source = Connect(way, streams);
        RunFor(30);
        source.IsSilent = true;
        RunFor(30);

        source.IsSilent = false;
        source.Pump();

        var within = 1 + (10 * RoundTrip);
        Assert.That(SecondsUntilFull(within), Is.LessThanOrEqualTo(within));
    }

    [Test]
    [TransportCase(16)]
    public void Demand_OfAHundredthForTenMinutes_LeavesTheRateAsItWas()
    {
        var source = Connect(Way.Near, 4);
        RunFor(10);
        var before = source.Model.Rate;
        source.Demand = _link.BytesPerSecond / 100;
        RunFor(600);
        Assert.That(source.Model.Rate, Is.GreaterThanOrEqualTo(0.9 * before));

        source.BeGreedy();

        Assert.That(SecondsUntilFull(1), Is.LessThanOrEqualTo(1));
    }

    [Test]
    public void Pieces_SmallAndLargeMixed_AreTheSameBytesInFlight()
    {
        var uniform = Connect(Way.Near, 4);
        RunFor(5);
        uniform.InFlight.Clear();
        RunFor(30);
        var expected = Median(uniform);

        var mixed = Connect(Way.Near, 4);
        mixed.NextPiece = () => _random.Next(2) == 0 ? 16 << 10 : 64 << 20;
        RunFor(5);
        mixed.InFlight.Clear();

        Assert.That(Utilisation(30), Is.GreaterThanOrEqualTo(0.95));
        Assert.That(Median(mixed), Is.EqualTo(expected).Within(expected * 15 / 100));
    }

    /// <summary>One connection loses its way: what it had in flight must not hold the others.</summary>
    [Test]
    public void Stream_ThatStandsStill_DoesNotStopTheOthers()
    {
        var source = Connect(Way.Near, 4);
        RunFor(10);

        source.Senders[0].IsCut = true;
        RunFor(3);

        Assert.That(Utilisation(30), Is.GreaterThanOrEqualTo(0.95));
    }

    private double RoundTrip => _link.RoundTrip.TotalSeconds;

    private SimulatedSource Connect(Way way, int streams, double lateChance = 0) => way switch
    {
        Way.Lan => Connect(1000, 0.2, streams, lateChance: lateChance),
        Way.Near => Connect(100, 50, streams, lateChance: lateChance),
        Way.Far => Connect(500, 100, streams, lateChance: lateChance),
        _ => Connect(20, 600, streams, lateChance: lateChance),
    };

    private SimulatedSource Connect(double megabits, double roundTrip, int streams, double jitter = 0, double lateChance = 0)
    {
        _time = new VirtualTime();
        _random = new Random(7);
        _link = new Bottleneck(_time, megabits * Mbit, TimeSpan.FromMilliseconds(roundTrip), new Random(1))
        {
            Jitter = TimeSpan.FromMilliseconds(jitter),
            LateChance = lateChance,
        };
        return new SimulatedSource(_time, _link, NewDestination(), streams);
    }

    private SimulatedDestination NewDestination() => new(_time, 4 * _link.BytesPerSecond) { RoundTrip = _link.Smoothed };

    private void RunFor(double seconds) => _time.RunUntil(_time.Now + TimeSpan.FromSeconds(seconds));

    private double Utilisation(double seconds)
    {
        var before = _link.Served;
        RunFor(seconds);
        return (_link.Served - before) / (seconds * _link.BytesPerSecond);
    }

    /// <summary>When the link was full for a tenth of a second, a chunk's length apart, for the first time.</summary>
    private double SecondsUntilFull(double within)
    {
        for (var passed = 0.1; passed <= within + 0.01; passed += 0.1)
        {
            if (Utilisation(0.1) >= 0.95)
            {
                return passed;
            }
        }

        return double.PositiveInfinity;
    }

    private double MostInFlight(SimulatedSource source) =>
        (2.5 * _link.BytesPerSecond * Math.Max(RoundTrip, 0.05)) + (3 * source.Senders.Sum(static sender => (double)sender.Window.ChunkSize));

    private static long Median(SimulatedSource source) => source.InFlight.Order().ElementAt(source.InFlight.Count / 2);

    /// <summary>A link.</summary>
    internal enum Way
    {
        /// <summary>1 Gbit/s, 0.2 ms.</summary>
        Lan,

        /// <summary>100 Mbit/s, 50 ms.</summary>
        Near,

        /// <summary>500 Mbit/s, 100 ms.</summary>
        Far,

        /// <summary>20 Mbit/s, 600 ms.</summary>
        Satellite,
    }
}
