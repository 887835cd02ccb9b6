using QbSync.Engine.Source.Cleanup;
using QbSync.Ports;
using QbSync.Torrents;

namespace QbSync.Engine.Tests.Source.Cleanup;

[TestFixture]
internal sealed class UploadRateTests
{
    private static readonly DateTimeOffset Start = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);

    [Test]
    public void Rate_ADayOfSilence_IsHalf()
    {
        var rate = UploadRate.Begin("a", 3600 * 8, TimeSpan.FromHours(8), Start);
        Assert.That(rate.BytesPerSecond, Is.EqualTo(1).Within(1e-9));
        for (var hour = 1; hour <= 24; hour++)
        {
            rate = rate.Next(3600 * 8, TimeSpan.FromHours(8 + hour), Start.AddHours(hour));
        }

        Assert.That(rate.BytesPerSecond, Is.EqualTo(0.5).Within(1e-9));
        Assert.That(rate.Effective(3600 * 8, TimeSpan.FromHours(32)), Is.EqualTo(0.5).Within(1e-9));
    }

    [Test]
    public void Rate_SteadyUpload_StaysWhateverTheStep()
    {
        var (often, seldom) = (UploadRate.Begin("a", 0, TimeSpan.Zero, Start), UploadRate.Begin("a", 0, TimeSpan.Zero, Start));
        for (var minute = 1; minute <= 60 * 24; minute++)
        {
            often = often.Next(minute * 600, TimeSpan.FromMinutes(minute), Start.AddMinutes(minute));
        }

        seldom = seldom.Next(600 * 60 * 24, TimeSpan.FromDays(1), Start.AddDays(1));
        Assert.That(often.BytesPerSecond, Is.EqualTo(5).Within(1e-6));
        Assert.That(seldom.BytesPerSecond, Is.EqualTo(5).Within(1e-6));
    }

    [Test]
    public void Effective_WatchedForHoursOnly_IsNotBelowItsLife()
    {
        var rate = UploadRate.Begin("a", 0, TimeSpan.FromMinutes(1), Start).Next(7200, TimeSpan.FromMinutes(30), Start.AddHours(5.9));
        Assert.That(rate.Effective(7200, TimeSpan.FromMinutes(30)), Is.EqualTo(2), "over an hour at least");
        rate = rate.Next(7200, TimeSpan.FromMinutes(30), Start.AddHours(6));
        Assert.That(rate.Effective(7200, TimeSpan.FromMinutes(30)), Is.EqualTo(rate.BytesPerSecond).And.LessThan(1));
    }

    [Test]
    public void Rate_CounterBeginsAnewOrClockIsSetBack_NeverBelowNought()
    {
        var rate = UploadRate.Begin("a", 1_000_000, TimeSpan.FromHours(1), Start);
        Assert.That(rate.Next(5, TimeSpan.Zero, Start.AddHours(1)).BytesPerSecond, Is.EqualTo(5 / 3600.0).Within(1e-9));
        Assert.That(rate.Next(2_000_000, TimeSpan.Zero, Start.AddHours(-5)).BytesPerSecond, Is.EqualTo(rate.BytesPerSecond));
        Assert.That(UploadRate.Begin("a", -3, TimeSpan.Zero, Start).BytesPerSecond, Is.Zero);
    }

    [Test]
    public void Rates_AreKeptOverARestart_AndForAWhileWithoutTheirTorrent()
    {
        UploadRates rates = new([]);
        var status = new TorrentStatus { Id = new ClientTorrentId("a"), Name = "a", State = ClientTorrentState.Uploading, UploadedBytes = 7200 };
        rates.Sample([status], Start);
        rates.Sample([status with { UploadedBytes = 720_000 }], Start.AddHours(10));
        var before = rates.Of(status with { UploadedBytes = 720_000 });
        Assert.That(before, Is.GreaterThan(2));

        UploadRates again = new([null!, .. rates.ToRecord().Rates]);
        again.Sample([], Start.AddDays(6));
        Assert.That(again.Of(status with { UploadedBytes = 720_000 }), Is.EqualTo(before), "a client that came up empty");
        again.Sample([], Start.AddDays(8));
        Assert.That(again.ToRecord().Rates, Is.Empty);
    }
}
