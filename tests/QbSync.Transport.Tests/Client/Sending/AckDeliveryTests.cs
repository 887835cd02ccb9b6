using Microsoft.Extensions.Time.Testing;
using QbSync.Outcomes;
using QbSync.Pieces;
using QbSync.Testing.Specifications;
using QbSync.Testing.Waiting;
using QbSync.Transport.Client.Sending;
using QbSync.Transport.Tests.EndToEnd;

namespace QbSync.Transport.Tests.Client.Sending;

[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
internal sealed class AckDeliveryTests
{
    private readonly FakeTimeProvider _time = new();
    private readonly RecordingSink _sink = new();
    private readonly List<Exception> _failures = [];

    [Test]
    [TransportCase(36)]
    public async Task Post_SinkTakesNothing_IsRefusedAfterTheTimeout()
    {
        var delivery = Make();
        for (var i = 0; i < 4096; i++)
        {
            Assert.That(await delivery.TryPostAsync(Ack(i)).DefaultTimeout(), Is.True);
        }

        var posting = delivery.TryPostAsync(Ack(4096)).AsTask();
        _time.Advance(TimeSpan.FromSeconds(29));
        Assert.That(posting.IsCompleted, Is.False);
        _time.Advance(TimeSpan.FromSeconds(2));

        Assert.That(await posting.DefaultTimeout(), Is.False);
    }

    [Test]
    [TransportCase(36)]
    public async Task Post_SlowSinkThatTakesOne_GoesOn()
    {
        var delivery = Make();
        for (var i = 0; i < 4096; i++)
        {
            await delivery.TryPostAsync(Ack(i)).DefaultTimeout();
        }

        var posting = delivery.TryPostAsync(Ack(4096)).AsTask();
        _time.Advance(TimeSpan.FromSeconds(29));
        var running = delivery.RunAsync();

        Assert.That(await posting.DefaultTimeout(), Is.True);
        delivery.Complete();
        await running.DefaultTimeout();
        Assert.That(_sink.Acks.Select(ack => ack.Piece.Index), Is.EqualTo(Enumerable.Range(0, 4097)), "in order");
    }

    [Test]
    public async Task Run_SinkThrows_TellsAndDeliversTheRest()
    {
        var delivery = Make();
        _sink.OnAcked = static ack =>
        {
            if (ack.Piece.Index == 1)
            {
                throw new InvalidOperationException("The test's sink fails.");
            }
        };
        for (var i = 0; i < 4; i++)
        {
            await delivery.TryPostAsync(Ack(i)).DefaultTimeout();
        }

        delivery.Complete();
        await delivery.RunAsync().DefaultTimeout();

        Assert.That((_sink.Acks.Count, _failures.Count), Is.EqualTo((4, 1)));
    }

    private AckDelivery Make() => new(_sink, _time, TimeSpan.FromSeconds(30), _failures.Add);

    private static PieceAck Ack(int index) => new(new PieceRef(TestSource.Torrent, index), index, PieceAckStatus.Accepted, TimeSpan.Zero);
}
