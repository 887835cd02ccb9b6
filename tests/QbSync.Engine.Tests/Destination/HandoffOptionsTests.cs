using QbSync.Testing.Specifications;

namespace QbSync.Engine.Tests.Destination;

public sealed class HandoffOptionsTests
{
    [TestCase(nameof(DestinationOptions.StartWait), 4.999, false)]
    [TestCase(nameof(DestinationOptions.StartWait), 5, true)]
    [TestCase(nameof(DestinationOptions.StartWait), 600, true)]
    [TestCase(nameof(DestinationOptions.StartWait), 600.001, false)]
    [TestCase(nameof(DestinationOptions.StartWait), -1, false)]
    [TestCase(nameof(DestinationOptions.WatchAfterStart), -0.001, false)]
    [TestCase(nameof(DestinationOptions.WatchAfterStart), 0, true)]
    [TestCase(nameof(DestinationOptions.WatchAfterStart), 30 * 86_400, true)]
    [TestCase(nameof(DestinationOptions.WatchAfterStart), 30 * 86_400 + 0.001, false)]
    [DestinationCase(13)]
    public void Options_AtAndBeyondTheirBounds_AreKeptOrNamed(string name, double seconds, bool isValid)
    {
        var options = new DestinationOptions { SavePath = "/data", DataRoot = "/data" };
        var value = TimeSpan.FromSeconds(seconds);
        typeof(DestinationOptions).GetProperty(name)!.SetValue(options, value);
        var errors = options.Validate(withClient: true);
        Assert.That(errors, isValid ? Is.Empty : Has.Count.EqualTo(1).And.Some.Contains(name));
        Assert.That(typeof(DestinationOptions).GetProperty(name)!.GetValue(options), Is.EqualTo(value), "nothing is corrected silently");
    }
}
