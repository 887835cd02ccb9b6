using Microsoft.Extensions.Time.Testing;
using QbSync.Outcomes;
using QbSync.Ports;
using QbSync.Testing.Logging;
using QbSync.Testing.Specifications;
using QbSync.Testing.Waiting;
using QbSync.Transport.Tests.Client;
using QbSync.Transport.Tests.Server;

namespace QbSync.Transport.Tests.EndToEnd;

/// <summary>A disk that takes its time, both ends on one virtual clock: the source neither loses patience nor hears a verdict too late.</summary>
internal sealed class SlowDiskTests
{
    private const int PieceLength = 256 << 10;

    private FakeTimeProvider _time = null!;
    private RecordingSink _sink = null!;
    private ManualResetEventSlim _disk = null!;
    private HashSet<int> _held = null!;

    [SetUp]
    public void Begin() => (_time, _sink, _disk, _held) = (new FakeTimeProvider(DateTimeOffset.UnixEpoch), new RecordingSink(), new ManualResetEventSlim(), []);

    [TearDown]
    public void End() => _disk.Dispose();

    [Test]
    [TransportCase(40)]
    [TestCase(30)]
    [TestCase(50)]
    public async Task Write_ThatHangs_IsNeverStaleAndAnsweredWithinTheTimeThatWasPromised(int seconds)
    {
        using var logs = new LogErrorGuard();
        var fake = new FakeDestination { OnBegin = (piece, _) => Begin(piece.Index) };
        await using var server = await DestinationServer.StartAsync(fake, logs, time: _time);
        var registry = Prometheus.Metrics.NewCustomRegistry();
        var options = new TransportClientOptions { Address = $"127.0.0.1:{server.Port}", Security = new SecurityOptions { Mode = SecurityMode.Insecure } };
        await using var remote = new RemoteDestination(options, Prometheus.Metrics.WithCustomRegistry(registry), registry, logs, _time, new Random(1));
        var link = remote.OpenLink(new Caller(Guid.NewGuid(), "test"), _sink);
        try
        {
            await SendAsync(link, attempt: 1);
            await Eventually.BecomesTrueAsync(() => server.Workers.Snapshot.Busy == 1);
            for (var second = 0; second < seconds; second++)
            {
                _time.Advance(TimeSpan.FromSeconds(1));
                await Task.Yield();
            }

            if (seconds < 40)
            {
                Assert.That(_sink.Acks, Is.Empty);
                _disk.Set();
            }

            await PassUntilAsync(() => _sink.Acks.Count == 1);
            Assert.That(_sink.Acks.Single().Status, Is.EqualTo(seconds < 40 ? PieceAckStatus.Accepted : PieceAckStatus.StorageError));

            // The write returned in the end: the piece is there.
            _disk.Set();
            await Eventually.BecomesTrueAsync(() => server.Workers.Snapshot is (0, 0));
            await SendAsync(link, attempt: 2);
            await PassUntilAsync(() => _sink.Acks.Count == 2);
            Assert.That(_sink.Acks.Last().Status, Is.EqualTo(PieceAckStatus.Held));
            Assert.That(_sink.Losses, Is.Empty);
        }
        finally
        {
            _disk.Set();
            var closing = link.DisposeAsync().AsTask();
            await PassUntilAsync(() => closing.IsCompleted);
        }

        logs.Verify();
    }

    private (PieceAckStatus Status, FakeTransfer? Transfer) Begin(int piece)
    {
        lock (_held)
        {
            return _held.Contains(piece) ? (PieceAckStatus.Held, null) : (PieceAckStatus.Pending, new FakeTransfer(PieceLength) { OnWrite = () => Write(piece) });
        }
    }

    private void Write(int piece)
    {
        _disk.Wait();
        lock (_held)
        {
            _held.Add(piece);
        }
    }

    private static async Task SendAsync(IPieceLink link, long attempt) =>
        Assert.That(
            await link.SendAsync(new TestSource(7, PieceLength) { Attempt = attempt }, CancellationToken.None).AsTask().DefaultTimeout(),
            Is.EqualTo(SendOutcome.Sent));

    /// <summary>
    /// A batch may wait for its moment, which only this clock brings. It goes slowly, so that the ten seconds until the next thing that time brings are not over
    /// while an answer is on its way.
    /// </summary>
    private async Task PassUntilAsync(Func<bool> condition) => await Eventually.BecomesTrueAsync(() =>
    {
        _time.Advance(TimeSpan.FromMilliseconds(2));
        return condition();
    });
}
