using QbSync.Testing.Specifications;
using QbSync.Transport.Client.Connections;

namespace QbSync.Transport.Tests.Client.Connections;

internal sealed class ConnectionScalerTests
{
    private const double Capacity = 100e6;
    private static readonly TimeSpan Minute = TimeSpan.FromMinutes(1);

    [Test]
    [TransportCase(23)]
    public void Sample_EachConnectionCarriesAThird_FourStayAndTheFifthGoes()
    {
        var link = new ScriptedLink(static connections => Capacity * Math.Min(1, 0.3 * connections));

        link.Run(TimeSpan.FromSeconds(160));

        Assert.That((link.Connections, link.MostSeen), Is.EqualTo((4, 5)));
        Assert.That(link.Actions.Select(done => done.Action), Is.EqualTo(new[]
        {
            ScaleAction.Add, ScaleAction.Keep, ScaleAction.Add, ScaleAction.Keep, ScaleAction.Add, ScaleAction.Remove,
        }));
        var failedAt = link.Actions[5].At;
        Assert.That(link.Scaler.IsPaused(failedAt + TimeSpan.FromSeconds(59)), Is.True);
        Assert.That(link.Scaler.IsPaused(failedAt + TimeSpan.FromSeconds(61)), Is.False, "without another sample");
    }

    [Test]
    [TransportCase(24)]
    public void Sample_GainOfFourPercent_IsUndone()
    {
        var link = new ScriptedLink(static connections => Capacity * (1 + (0.04 * (connections - 2))));

        link.Run(TimeSpan.FromSeconds(100));

        Assert.That((link.Connections, link.CountOf(ScaleAction.Add), link.CountOf(ScaleAction.Remove)), Is.EqualTo((2, 1, 1)));
    }

    [Test]
    [TransportCase(24)]
    public void Sample_GainOfSixPercentWithNoise_Stays()
    {
        // Two percent of noise between neighbours: the extremes of a measurement, never its middle.
        double[] noise = [-0.02, 0, 0.02];
        var sample = 0;
        var link = new ScriptedLink(static _ => 0) { MostConnections = 3 };
        link.Rate = connections => Capacity * (1 + (0.06 * (connections - 2))) * (1 + noise[sample++ % noise.Length]);

        link.Run(2 * Minute);

        Assert.That((link.Connections, link.CountOf(ScaleAction.Remove)), Is.EqualTo((3, 0)));
    }

    [Test]
    [TransportCase(24)]
    public void Sample_FlatForAnHour_PausesLongerAndLonger()
    {
        var link = new ScriptedLink(static _ => Capacity);

        link.Run(60 * Minute);

        var failures = link.Actions.Where(done => done.Action == ScaleAction.Remove).Select(done => done.At).ToList();
        var trials = link.Actions.Where(done => done.Action == ScaleAction.Add).Select(done => done.At).ToList();
        var pauses = failures.Zip(trials.Skip(1), static (failed, next) => next - failed).Select(pause => pause.TotalSeconds).ToList();

        // After a pause three samples in a row are needed, the first of them with the pause's end.
        Assert.That(pauses.Take(5), Is.EqualTo(new[] { 70.0, 130, 250, 490, 610 }));
        Assert.That(pauses.Skip(5), Has.All.EqualTo(610));
        Assert.That(link.MostSeen, Is.EqualTo(3));
    }

    [Test]
    [TransportCase(24)]
    public void Sample_SuccessAfterFailures_BeginsWithTheShortPauseAgain()
    {
        var link = new ScriptedLink(static _ => Capacity);
        link.Run(5 * Minute);
        Assert.That(link.CountOf(ScaleAction.Remove), Is.GreaterThanOrEqualTo(2));

        link.Rate = static connections => Capacity * Math.Min(connections, 3);
        link.Run(10 * Minute);

        var kept = link.Actions.FindIndex(done => done.Action == ScaleAction.Keep);
        var failed = link.Actions.FindIndex(kept, done => done.Action == ScaleAction.Remove);
        var next = link.Actions.FindIndex(failed, done => done.Action == ScaleAction.Add);
        Assert.That((link.Actions[next].At - link.Actions[failed].At).TotalSeconds, Is.InRange(60, 75));
    }

    [Test]
    [TransportCase(25)]
    public void Sample_NothingUsable_NoExperiment()
    {
        var link = new ScriptedLink(static _ => Capacity) { IsUsable = false };

        link.Run(60 * Minute);

        Assert.That(link.Actions, Is.Empty);
    }

    [Test]
    public void Sample_UsableNowAndThen_NoExperiment()
    {
        var link = new ScriptedLink(static _ => Capacity);
        for (var i = 0; i < 20; i++)
        {
            link.IsUsable = i % 3 != 2;
            link.Run(ScriptedLink.SampleTime);
        }

        Assert.That(link.Actions, Is.Empty, "three in a row are a baseline, two are not");
    }

    [Test]
    [TransportCase(25)]
    public void Sample_RateDoublesInAPause_EndsIt()
    {
        var link = Paused();
        link.Rate = static _ => 2 * Capacity;

        link.Run(4 * ScriptedLink.SampleTime);
        Assert.That(link.Scaler.IsPaused(link.Now), Is.False);
        link.Run(3 * ScriptedLink.SampleTime);

        Assert.That(link.Actions[^1].Action, Is.EqualTo(ScaleAction.Add));
    }

    [Test]
    public void Sample_DemandEndsInAPause_GoesOnPausing()
    {
        var link = Paused();
        link.Rate = static _ => 0;
        link.IsUsable = false;

        link.Run(6 * ScriptedLink.SampleTime);

        Assert.That(link.Scaler.IsPaused(link.Now), Is.True);
    }

    [Test]
    public void Sample_OtherRateLimitInAPause_EndsIt()
    {
        var link = Paused();
        link.RateLimit = 1 << 20;

        link.Run(ScriptedLink.SampleTime);

        Assert.That(link.Scaler.IsPaused(link.Now), Is.False);
    }

    [TestCase(39, false)]
    [TestCase(40, true)]
    [TestCase(11, false)]
    [TestCase(10, true)]
    public void Sample_OtherWayInAPause_EndsItWhenDoubledOrHalved(int milliseconds, bool ends)
    {
        var link = Paused();
        link.NetworkRoundTrip = TimeSpan.FromMilliseconds(milliseconds);

        link.Run(ScriptedLink.SampleTime);

        Assert.That(link.Scaler.IsPaused(link.Now), Is.Not.EqualTo(ends));
    }

    [Test]
    [TransportCase(25)]
    public void Sample_TrialUnusableForAMinute_IsUndoneWithoutAPause()
    {
        var link = new ScriptedLink(static _ => Capacity);
        link.Run(4 * ScriptedLink.SampleTime);
        Assert.That(link.Actions.Select(done => done.Action), Is.EqualTo(new[] { ScaleAction.Add }));
        link.IsUsable = false;

        link.Run(2 * Minute);

        Assert.That(link.Actions.Select(done => done.Action), Is.EqualTo(new[] { ScaleAction.Add, ScaleAction.Remove }));
        Assert.That((link.Actions[1].At - link.Actions[0].At).TotalSeconds, Is.InRange(60, 80));
        Assert.That((link.Connections, link.Scaler.IsPaused(link.Actions[1].At)), Is.EqualTo((2, false)));
    }

    [Test]
    public void Sample_PeerTakesNoMore_IsUndoneAndAskedAgainLater()
    {
        var link = new ScriptedLink(static _ => Capacity) { Opens = false };

        link.Run(2 * Minute);

        Assert.That(link.Actions.Select(done => done.Action), Is.EqualTo(new[] { ScaleAction.Add, ScaleAction.Remove }));
        Assert.That(link.Scaler.IsPaused(link.Actions[1].At + TimeSpan.FromSeconds(59)), Is.True);
    }

    [Test]
    public void Sample_NothingToAdd_NoExperiment()
    {
        var link = new ScriptedLink(static _ => Capacity) { MostConnections = 2 };

        link.Run(10 * Minute);

        Assert.That(link.Actions, Is.Empty);
    }

    [Test]
    public void Sample_LongWay_SettlesForAsManyRoundTrips()
    {
        var link = new ScriptedLink(static _ => Capacity) { NetworkRoundTrip = TimeSpan.FromMilliseconds(600) };

        link.Run(Minute);

        // 5 s and 20 round trips, then three samples of which the first begins there.
        Assert.That((link.Actions[1].At - link.Actions[0].At).TotalSeconds, Is.InRange(17 + 15, 20 + 20));
    }

    private static ScriptedLink Paused()
    {
        var link = new ScriptedLink(static _ => Capacity);
        while (link.CountOf(ScaleAction.Remove) == 0)
        {
            link.Run(ScriptedLink.SampleTime);
        }

        Assert.That(link.Scaler.IsPaused(link.Now), Is.True);
        return link;
    }
}
