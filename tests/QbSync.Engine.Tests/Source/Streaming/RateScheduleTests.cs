using QbSync.Engine.Source.Streaming;
using QbSync.Engine.Tests.Source.World;
using QbSync.Testing.Specifications;

namespace QbSync.Engine.Tests.Source.Streaming;

[TestFixture]
internal sealed class RateScheduleTests
{
    private const long Mebi = 1 << 20;

    // 2 March 2026 is a Monday.
    private static readonly RateWindow Office = new(DayOfWeek.Monday, DayOfWeek.Friday, TimeSpan.FromHours(8), TimeSpan.FromHours(18), 5 * Mebi);
    private static readonly RateWindow Night = new(DayOfWeek.Saturday, DayOfWeek.Sunday, TimeSpan.FromHours(22), TimeSpan.FromHours(6), 0);

    [TestCase("2026-03-02T07:59:59", 9)]
    [TestCase("2026-03-02T08:00:00", 5)]
    [TestCase("2026-03-06T17:59:59", 5)]
    [TestCase("2026-03-06T18:00:00", 9)]
    [TestCase("2026-03-07T12:00:00", 9)]
    [TestCase("2026-03-07T22:00:00", 0)]
    [TestCase("2026-03-08T05:59:59", 0)]
    [TestCase("2026-03-08T06:00:00", 9)]
    [TestCase("2026-03-09T03:00:00", 0, Description = "the night that began on Sunday")]
    [TestCase("2026-03-10T03:00:00", 9)]
    public void Rate_ByDayAndTime_IsThatOfTheWindow(string local, int mebi)
    {
        var schedule = new RateSchedule([Office, Night], 9 * Mebi);
        Assert.That(schedule.GetRate(DateTime.Parse(local, System.Globalization.CultureInfo.InvariantCulture)), Is.EqualTo(mebi * Mebi));
    }

    [Test]
    public void Rate_TwoWindowsHold_TheFirstCounts()
    {
        var always = new RateWindow(DayOfWeek.Sunday, DayOfWeek.Saturday, TimeSpan.Zero, TimeSpan.FromDays(1), Mebi);
        var noon = new DateTime(2026, 3, 2, 12, 0, 0);
        Assert.That(new RateSchedule([Office, always], 0).GetRate(noon), Is.EqualTo(5 * Mebi));
        Assert.That(new RateSchedule([always, Office], 0).GetRate(noon), Is.EqualTo(Mebi));
        Assert.That(new RateSchedule([always], 7).GetRate(noon.AddHours(11).AddMinutes(59)), Is.EqualTo(Mebi));
    }

    [Test]
    public void Options_WrongWindows_AreNamedAllAtOnce()
    {
        var options = new SourceOptions
        {
            Data = "/data",
            RateLimit = 5,
            BandwidthSchedule = [Office with { BytesPerSecond = 7 }, Office with { Until = TimeSpan.FromHours(8) }, Office with { Until = TimeSpan.FromHours(25) }],
        };
        Assert.That(options.Validate().Count(static error => error.StartsWith("bandwidth-schedule", StringComparison.Ordinal)), Is.EqualTo(3));
        Assert.That(options.Validate(), Has.One.StartsWith("rate-limit"));
    }

    [TestCase("2026-03-02T06:59:50Z", "2026-03-02T07:00:00Z", Description = "winter: one hour before UTC plus one")]
    [TestCase("2026-07-06T05:59:50Z", "2026-07-06T06:00:00Z", Description = "summer: two")]
    [SourceCase(62)]
    public async Task Rate_WhenAWindowBegins_IsInForceWithinASecond(string before, string begin)
    {
        await using var world = new SourceWorld();
        world.Time.SetLocalTimeZone(TimeZoneInfo.CreateCustomTimeZone(
            "Test", TimeSpan.FromHours(1), "Test", "Test", "Test summer", [Summer()]));
        world.Time.SetUtcNow(DateTimeOffset.Parse(before, System.Globalization.CultureInfo.InvariantCulture));
        world.Options.BandwidthSchedule = [Office];
        world.Options.RateLimit = 2 * Mebi;
        world.Start();
        await world.PassUntilAsync(() => world.Destination.Link is not null);
        await world.PassUntilAsync(() => world.Destination.Link!.RateLimit == 2 * Mebi);
        await world.PassUntilAsync(() => world.Destination.Link!.RateLimit == 5 * Mebi);
        var late = world.Time.GetUtcNow() - DateTimeOffset.Parse(begin, System.Globalization.CultureInfo.InvariantCulture);
        Assert.That(late, Is.GreaterThanOrEqualTo(TimeSpan.Zero).And.LessThanOrEqualTo(TimeSpan.FromSeconds(1)));
    }

    [Test]
    [SourceCase(62)]
    public async Task Rate_WhenTheClockIsSet_IsInForceWithinASecond()
    {
        await using var world = new SourceWorld();
        world.Time.SetLocalTimeZone(TimeZoneInfo.Utc);
        world.Time.SetUtcNow(new DateTimeOffset(2026, 3, 2, 12, 0, 0, TimeSpan.Zero));
        world.Options.BandwidthSchedule = [Office];
        world.Options.RateLimit = 2 * Mebi;
        world.Start();
        await world.PassUntilAsync(() => world.Destination.Link?.RateLimit == 5 * Mebi);
        world.Time.AdjustTime(new DateTimeOffset(2026, 3, 2, 20, 0, 0, TimeSpan.Zero));
        await world.PassAsync(TimeSpan.FromSeconds(1));
        Assert.That(world.Destination.Link!.RateLimit, Is.EqualTo(2 * Mebi));
        world.Time.AdjustTime(new DateTimeOffset(2026, 3, 2, 9, 0, 0, TimeSpan.Zero));
        await world.PassAsync(TimeSpan.FromSeconds(1));
        Assert.That(world.Destination.Link.RateLimit, Is.EqualTo(5 * Mebi));
    }

    private static TimeZoneInfo.AdjustmentRule Summer() => TimeZoneInfo.AdjustmentRule.CreateAdjustmentRule(
        DateTime.MinValue.Date,
        DateTime.MaxValue.Date,
        TimeSpan.FromHours(1),
        TimeZoneInfo.TransitionTime.CreateFloatingDateRule(new DateTime(1, 1, 1, 2, 0, 0), 3, 5, DayOfWeek.Sunday),
        TimeZoneInfo.TransitionTime.CreateFloatingDateRule(new DateTime(1, 1, 1, 3, 0, 0), 10, 5, DayOfWeek.Sunday));
}
