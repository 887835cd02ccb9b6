using QbSync.Engine.Shared;
using QbSync.Ports;

namespace QbSync.Engine.Tests.Shared;

internal sealed class ClientPatienceTests
{
    private static readonly DateTimeOffset Now = new(2030, 1, 1, 0, 0, 0, TimeSpan.Zero);

    [TestCase(ClientGate.Open, 3.0, 3.02)]
    [TestCase(ClientGate.Open, -60.0, 0.02)]
    [TestCase(ClientGate.Open, 300.0, 5.0)]
    [TestCase(ClientGate.Closed, null, null)]
    [TestCase(ClientGate.HalfOpen, null, null)]
    [TestCase(ClientGate.Isolated, 60.0, null)]
    [TestCase(ClientGate.Isolated, null, null)]
    public void AfterFailure_PerGate_IsTheEndOfItsBreak(ClientGate gate, double? until, double? expected) =>
        Assert.That(ClientPatience.AfterFailure(new ClientAvailability(gate, until is { } seconds ? Now.AddSeconds(seconds) : null), Now)?.TotalSeconds, Is.EqualTo(expected));
}
