namespace QbSync.Engine.Tests.Destination;

public sealed class DestinationOptionsTests
{
    [Test]
    public void Validate_OfSeveralWrongValues_NamesEach()
    {
        var options = new DestinationOptions
        {
            OrphanAge = TimeSpan.FromMinutes(59),
            OrphanScan = TimeSpan.FromSeconds(59),
            OrphanSweep = (OrphanSweepMode)9,
            Publish = (PublishPolicy)9,
            FinalizeWorkers = 17,
        };
        Assert.That(options.Validate(withClient: false), Has.Count.EqualTo(5));
        Assert.That(string.Join(' ', options.Validate(withClient: false)), Does.Contain("OrphanAge").And.Contain("OrphanScan").And.Contain("OrphanSweep")
            .And.Contain("Publish").And.Contain("FinalizeWorkers"));
    }

    [Test]
    public void Validate_AtTheBounds_IsWell()
    {
        var options = new DestinationOptions { OrphanAge = TimeSpan.FromHours(1), OrphanScan = TimeSpan.FromMinutes(1), FinalizeWorkers = 16, MaxSessions = 1 };
        Assert.That(options.Validate(withClient: false), Is.Empty);
        Assert.That((options.OrphanAge, options.OrphanScan), Is.EqualTo((TimeSpan.FromHours(1), TimeSpan.FromMinutes(1))));
    }
}
