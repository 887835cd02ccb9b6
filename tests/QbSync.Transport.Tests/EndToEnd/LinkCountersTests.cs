using Microsoft.Extensions.Time.Testing;
using QbSync.Outcomes;
using QbSync.Pieces;
using QbSync.Ports;
using QbSync.Testing.Machine;
using QbSync.Testing.Specifications;
using QbSync.Testing.Waiting;
using QbSync.Transport.Tests.Client;
using QbSync.Transport.Wire.Protocol;

namespace QbSync.Transport.Tests.EndToEnd;

/// <summary>Each of the link's counters is moved by its event, and by nothing that resembles it. The source's clock is the test's.</summary>
internal sealed class LinkCountersTests
{
    private const int MiB = 1 << 20;
    private readonly FakeTimeProvider _time = new();
    private LinkRig _rig = null!;
    private ManualResetEventSlim _release = null!;

    [SetUp]
    public void Begin()
    {
        _rig = new LinkRig { Time = _time };
        _release = new ManualResetEventSlim();
    }

    [TearDown]
    public async Task EndAsync()
    {
        _release.Set();
        await _rig.DisposeAsync();
        _release.Dispose();
    }

    [Test]
    [MetricCase("C07")]
    [MetricCase("C08")]
    [MetricCase("C09")]
    [MetricCase("C16")]
    public async Task Piece_CutInItsMiddle_IsFailedAndNotSent_ItsResendIs()
    {
        var server = await _rig.StartAsync(new TestIntake(MiB));
        var relay = _rig.Own(new TcpRelay(server.Port));
        OpenOne(relay.Port);
        await _rig.SendAsync(Enumerable.Range(0, 10).Select(static index => new TestSource(index, MiB))).DefaultTimeout();
        await Eventually.BecomesTrueAsync(() => _rig.Sink.Acks.Count == 10);

        var held = new HeldSource(10, MiB, _release);
        // Not from here: where nothing has to be waited for, the source would hold up this thread.
        var sending = Task.Run(async () => await _rig.Link.SendAsync(held, CancellationToken.None));
        await held.Holding.DefaultTimeout();
        relay.CutAll();
        await Eventually.BecomesTrueAsync(async () => await _rig.SumAsync("qbsync_receive_acks_exit_total") == 1);
        _release.Set();
        Assert.That(await sending.DefaultTimeout(), Is.EqualTo(SendOutcome.Lost));
        await Eventually.BecomesTrueAsync(async () => await ReadAsync() == (10, 10, 1));

        await ReopenAsync();
        await _rig.SendAsync([new TestSource(10, MiB)]).DefaultTimeout();
        await Eventually.BecomesTrueAsync(async () => await ReadAsync() == (11, 11, 1));
        Assert.That(await _rig.SumAsync("qbsync_stream_reconnects_total"), Is.EqualTo(1));
    }

    [Test]
    [MetricCase("C08")]
    [MetricCase("C09")]
    public async Task Ack_GivenTwice_IsOne_Nack_IsAFailure()
    {
        var destination = new GeneratedDestination(1000)
        {
            OnAnswering = static (_, _, batch) =>
            {
                if (batch.Accepted.Remove(3))
                {
                    batch.Nack.Add(new Nack { Transfer = 3, Status = AckStatus.StorageError });
                }

                batch.Accepted.AddRange(batch.Accepted.ToArray());
            },
        };
        var (app, port) = await destination.StartAsync(_rig.Log);
        await using var serving = app;
        OpenOne(port);
        await _rig.SendAsync(Enumerable.Range(0, 5).Select(static index => new TestSource(index, 1000))).DefaultTimeout();
        await Eventually.BecomesTrueAsync(() => _rig.Sink.Acks.Count == 5);

        Assert.That(await ReadAsync(), Is.EqualTo((5.0, 4.0, 1.0)));
        Assert.That(await _rig.SumAsync("qbsync_piece_rejections_total"), Is.EqualTo(1));
    }

    [Test]
    [MetricCase("C09")]
    [MetricCase("C17")]
    public async Task Piece_WithoutAnAnswer_IsStaleOnce_AndItsStreamsEndAddsNothing()
    {
        var intake = new TestIntake(1000) { OnWhole = _ => _release.Wait(TimeSpan.FromMinutes(2)) ? PieceAckStatus.Accepted : PieceAckStatus.Busy };
        var server = await _rig.StartAsync(intake);
        var relay = _rig.Own(new TcpRelay(server.Port));
        OpenOne(relay.Port);
        await _rig.SendAsync([new TestSource(1, 1000)]).DefaultTimeout();
        await PassUntilAsync(async () => await _rig.SumAsync("qbsync_stale_pieces_total") > 0);
        for (var i = 0; i < 10; i++)
        {
            _time.Advance(TimeSpan.FromSeconds(10));
        }

        relay.CutAll();
        await Eventually.BecomesTrueAsync(async () => await _rig.SumAsync("qbsync_receive_acks_exit_total") == 1);
        await ReopenAsync();
        Assert.That(await ReadAsync(), Is.EqualTo((1.0, 0.0, 1.0)));
        Assert.That(await _rig.SumAsync("qbsync_stale_pieces_total"), Is.EqualTo(1));
        Assert.That(_rig.Sink.Losses.Select(static loss => loss.Cause), Is.EqualTo(new[] { PieceLossCause.Stale }));
    }

    /// <summary>The machine stood still, not the destination alone: its answer, which waits to be read, is heard before anything is given up.</summary>
    [Test]
    [MetricCase("C17")]
    public async Task Piece_MachineStoodStill_IsNotStaleBeforeItsAnswerCouldBeRead()
    {
        var intake = new TestIntake(1000) { OnWhole = _ => _release.Wait(TimeSpan.FromMinutes(2)) ? PieceAckStatus.Accepted : PieceAckStatus.Busy };
        var server = await _rig.StartAsync(intake);
        OpenOne(server.Port);
        await _rig.SendAsync([new TestSource(1, 1000)]).DefaultTimeout();

        var before = _time.GetUtcNow();
        await VirtualTime.PassUntilAsync(_time, () => _time.GetUtcNow() > before, static _ => TimeSpan.FromMinutes(3), static () => { }, static () => "a standstill");
        _release.Set();
        await Eventually.BecomesTrueAsync(() => _rig.Sink.Acks.Count == 1);

        Assert.That((await ReadAsync(), await _rig.SumAsync("qbsync_late_acks_total")), Is.EqualTo(((1.0, 1.0, 0.0), 0.0)));
        Assert.That((_rig.Sink.Losses.Count, _rig.Link.OpenStreams), Is.EqualTo((0, 1)));
    }

    [Test]
    [MetricCase("C27")]
    public async Task Destination_Absent_EachTryIsCounted_OneThatWorksIsNot()
    {
        var port = FreePorts.Take();
        OpenOne(port);
        await PassUntilAsync(async () => await _rig.SumAsync("qbsync_stream_open_errors_total{mode=\"source\"}") >= 3);
        await _rig.StartAsync(new TestIntake(1000), port);
        await ReopenAsync();

        Assert.That(
            await _rig.SumAsync("qbsync_stream_open_errors_total{mode=\"source\"}"),
            Is.EqualTo(_rig.Log.Entries.Count(static entry => entry.Id.Id == TransportEventIds.PieceStreamNotOpened)));
        Assert.That(await _rig.SumAsync("qbsync_stream_reconnects_total"), Is.Zero, "the first opening replaces nothing");
    }

    private void OpenOne(int port) => _rig.Open(port, static options =>
        (options.MinConnections, options.MaxConnections, options.MaxStreamsPerConnection, options.DrainTimeout) = (1, 1, 1, TimeSpan.FromSeconds(1)));

    private async Task<(double Sent, double Acked, double Failed)> ReadAsync() => (
        await _rig.SumAsync("qbsync_pieces_sent_total{connection=\"0\"}"),
        await _rig.SumAsync("qbsync_pieces_acked_total"),
        await _rig.SumAsync("qbsync_pieces_failed_total"));

    /// <summary>The pause before it is a second at most; to be taken a stream has ten, which are not to go by while it is on the way.</summary>
    private Task ReopenAsync() => PassUntilAsync(() => Task.FromResult(_rig.Link.OpenStreams == 1), TimeSpan.FromMilliseconds(20));

    private Task PassUntilAsync(Func<Task<bool>> condition, TimeSpan? step = null) => Eventually.BecomesTrueAsync(async () =>
    {
        if (await condition())
        {
            return true;
        }

        _time.Advance(step ?? TimeSpan.FromSeconds(1));
        return false;
    });

    /// <summary>A piece whose second chunk is held back until the test lets it go.</summary>
    private sealed class HeldSource(int index, int length, ManualResetEventSlim release) : IChunkSource
    {
        private readonly TestSource _source = new(index, length);
        private readonly TaskCompletionSource _holding = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task Holding => _holding.Task;

        public PieceRef Piece => _source.Piece;

        public ulong Epoch => _source.Epoch;

        public long Attempt => _source.Attempt;

        public IReadOnlyList<(int Offset, int Length)> Ranges => _source.Ranges;

        public bool TryFill(int offset, Span<byte> destination)
        {
            if (offset > 0)
            {
                _holding.TrySetResult();
                release.Wait(TimeSpan.FromMinutes(2));
            }

            return _source.TryFill(offset, destination);
        }

        public void Dispose() => _source.Dispose();
    }
}
