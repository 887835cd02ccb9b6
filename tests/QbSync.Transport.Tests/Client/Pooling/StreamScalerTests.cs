using QbSync.Testing.Specifications;
using QbSync.Transport.Client.Pooling;

namespace QbSync.Transport.Tests.Client.Pooling;

internal sealed class StreamScalerTests
{
    private static readonly Growth NewConnection = new(GrowthKind.Connection, 0);

    [Test]
    [TransportCase(26)]
    public void Choose_SendersWaitWhileTcpIsIdle_AddsAStreamWhereItIsIdlest() =>
        Assert.That(
            Choose(new ConnectionUse(0, 1, 0.9, 0.4), new ConnectionUse(1, 1, 0.95, 0.1), new ConnectionUse(2, 1, 0.2, 0.05)),
            Is.EqualTo(new Growth(GrowthKind.Stream, 1)));

    [Test]
    public void Choose_TcpIsBusy_AddsAConnection() =>
        Assert.That(Choose(new ConnectionUse(0, 1, 1, 0.9), new ConnectionUse(1, 1, 1, 0.5)), Is.EqualTo(NewConnection));

    [Test]
    public void Choose_HeldConnectionIsFull_AddsAConnection() =>
        Assert.That(Choose(new ConnectionUse(0, 4, 1, 0.1)), Is.EqualTo(NewConnection));

    [Test]
    public void Choose_TcpTellsNothing_AddsConnectionsAndAtTheirMostStreams()
    {
        Assert.That(Choose(new ConnectionUse(0, 1, 1, null)), Is.EqualTo(NewConnection));
        Assert.That(
            StreamScaler.Choose([new ConnectionUse(0, 2, 1, null), new ConnectionUse(1, 1, 1, null)], 2, 4),
            Is.EqualTo(new Growth(GrowthKind.Stream, 1)));
    }

    [Test]
    public void Choose_NetworkHoldsAndConnectionsAreAtTheirMost_AddsNothing() =>
        Assert.That(StreamScaler.Choose([new ConnectionUse(0, 1, 1, 0.9)], 1, 4).Kind, Is.EqualTo(GrowthKind.None));

    [Test]
    public void Choose_AllAtTheirMost_AddsNothing() =>
        Assert.That(StreamScaler.Choose([new ConnectionUse(0, 4, 1, null)], 1, 4).Kind, Is.EqualTo(GrowthKind.None));

    private static Growth Choose(params ConnectionUse[] connections) => StreamScaler.Choose(connections, 8, 4);
}
