using Grpc.Core;
using Grpc.Net.Client;
using Microsoft.Extensions.Time.Testing;
using QbSync.Outcomes;
using QbSync.Testing.Logging;
using QbSync.Testing.Specifications;
using QbSync.Testing.Waiting;
using QbSync.Torrents;
using QbSync.Transport.Wire;
using QbSync.Transport.Wire.Protocol;

namespace QbSync.Transport.Tests.Server;

/// <summary>Torrents that share streams and workers: order of turns, shares of the budget, and the time an answer may take. Time is virtual.</summary>
internal sealed class TorrentFairnessTests
{
    private const int Mebibyte = 1 << 20;
    private const int PieceBytes = 256 << 10;
    private static readonly InfoHash Stalled = InfoHash.Parse(new string('a', 40));
    private static readonly InfoHash Other = InfoHash.Parse(new string('b', 40));

    private FakeTimeProvider _time = null!;
    private FakeDestination _fake = null!;
    private LogErrorGuard _logs = null!;
    private DestinationServer _server = null!;
    private GrpcChannel _channel = null!;
    private RawStream _stream = null!;
    private ManualResetEventSlim _disk = null!;

    [SetUp]
    public void SetUp()
    {
        _disk = new ManualResetEventSlim();
        _time = new FakeTimeProvider();
        _logs = new LogErrorGuard();
        _fake = new FakeDestination
        {
            OnBegin = (piece, _) => (
                PieceAckStatus.Pending, new FakeTransfer(PieceBytes) { OnWrite = piece.Torrent == Stalled ? _disk.Wait : static () => { } }),
        };
    }

    [TearDown]
    public async Task TearDown()
    {
        _disk.Set();
        _stream.Dispose();
        await Eventually.BecomesTrueAsync(() =>
            _server.Buffers.Rented == 0 && _server.Budget.InUse == 0 && _server.Budget.Committed == 0 && _server.Workers.Snapshot == (0, 0));
        Assert.That((_server.Workers.GetHeld(Stalled), _server.Workers.GetHeld(Other)), Is.EqualTo((0L, 0L)));
        Assert.That(_fake.Pieces.Values.Select(static transfer => transfer.Disposed), Is.All.EqualTo(1));
        _channel.Dispose();
        await _server.DisposeAsync();
        _logs.Verify();
        _logs.Dispose();
        _disk.Dispose();
    }

    [Test]
    [DestinationCase(52)]
    [TransportCase(40)]
    public async Task OneTorrentStallsInAStreamThatIsShared_OthersGoOnAndItIsAnsweredInTime()
    {
        await StartAsync(static _ => { });
        ulong transfer = 0;
        for (var i = 0; i < 4; i++)
        {
            await _stream.BeginAsync(++transfer, i, PieceBytes, Stalled);
        }

        await StalledIsInHandAsync();

        // The same stream carries the other torrent past the stalled one for 60 s.
        var others = new List<ulong>();
        for (var second = 1; second <= 60; second++)
        {
            await _stream.BeginAsync(++transfer, 1000 + second, PieceBytes, Other);
            others.Add(transfer);
            await ReadUntilAsync(() => _stream.Answers.Contains((others[^1], AckStatus.Accepted)));
            Assert.That(_server.Workers.GetHeld(Stalled), Is.LessThanOrEqualTo(4 * PieceBytes));
            _time.Advance(TimeSpan.FromSeconds(1));
            if (second == 39)
            {
                Assert.That(_stream.Answers.Where(static answer => answer.Transfer <= 4), Is.Empty);
            }

            if (second == 41)
            {
                await ReadUntilAsync(() => _stream.Answers.Count(static answer => answer.Transfer <= 4) == 4);

                // Only what the disk has in hand is still held.
                await Eventually.BecomesTrueAsync(() => _server.Workers.GetHeld(Stalled) == PieceBytes);
            }
        }

        Assert.That(_stream.Answers.Where(static answer => answer.Transfer <= 4).Select(static answer => answer.Status), Is.All.EqualTo(AckStatus.StorageError));
        _disk.Set();
        await _stream.BeginAsync(++transfer, 0, PieceBytes, Stalled);
        await ReadUntilAsync(() => _stream.Answers.Contains((transfer, AckStatus.Accepted)));
        Assert.That(_stream.Answers.Select(static answer => answer.Transfer), Is.Unique);
    }

    [Test]
    public async Task Verdict_AfterTheTransferWasAnswered_IsNotTold()
    {
        await StartAsync(static _ => { });
        await _stream.BeginAsync(1, 1, PieceBytes, Stalled);
        await Eventually.BecomesTrueAsync(() => _server.Workers.Snapshot == (0, 1));

        // Second by second: all at once would be a machine that stood still.
        for (var second = 0; second < 41; second++)
        {
            _time.Advance(TimeSpan.FromSeconds(1));
        }

        await ReadUntilAsync(() => _stream.Answers.Count == 1);
        _disk.Set();
        await Eventually.BecomesTrueAsync(() => _server.Workers.Snapshot == (0, 0));
        await _stream.BeginAsync(2, 2, PieceBytes, Other);
        await ReadUntilAsync(() => _stream.Answers.Count == 2);
        Assert.That(_stream.Answers, Is.EqualTo(new[] { (1UL, AckStatus.StorageError), (2UL, AckStatus.Accepted) }));
    }

    [Test]
    public async Task Transfer_WhoseSourceIsSlow_IsNotAnswered()
    {
        await StartAsync(static _ => { });
        await _stream.BeginAsync(1, 1, PieceBytes / 2, Other);
        await Eventually.BecomesTrueAsync(() => _server.Budget.InUse == 0 && !_fake.Pieces.IsEmpty);
        _time.Advance(TimeSpan.FromSeconds(100));
        await _stream.ContinueAsync(1, 1, PieceBytes / 2, PieceBytes / 2);
        await ReadUntilAsync(() => _stream.Answers.Count == 1);
        Assert.That(_stream.Answers, Is.EqualTo(new[] { (1UL, AckStatus.Accepted) }));
    }

    [TestCase(true)]
    [TestCase(false)]
    public async Task Torrent_OverItsShare_IsBusyWhileOthersHaveTraffic(bool others)
    {
        // The budget is 16 MiB, so that the share of one in two is 8 MiB.
        await StartAsync(static options => options.ReceiveBudget = 16 << 20);
        ulong transfer = 0;
        if (others)
        {
            await _stream.BeginAsync(++transfer, 1000, PieceBytes, Other);
        }

        var first = transfer + 1;
        for (var i = 0; i < 36; i++)
        {
            await _stream.BeginAsync(++transfer, i, PieceBytes, Stalled);
        }

        await ReadUntilAsync(() => _stream.Received == transfer * PieceBytes);
        await ReadUntilAsync(() => _stream.Answers.Count == (others ? 5 : 0));
        Assert.That(_server.Workers.GetHeld(Stalled), Is.EqualTo((others ? 8 : 9) * Mebibyte));
        var refused = _stream.Answers.Where(answer => answer.Transfer >= first).ToList();
        Assert.That(refused, Is.EqualTo(Enumerable.Range(0, others ? 4 : 0).Select(i => (first + 32 + (ulong)i, AckStatus.Busy))));
        Assert.That(_stream.RetryAfterMs, Is.EqualTo(others ? 5000UL : 0));
        _disk.Set();
        await ReadUntilAsync(() => _stream.Answers.Count == (int)transfer);
        Assert.That(_stream.Answers.Select(static answer => answer.Transfer), Is.Unique);
    }

    [Test]
    public async Task Torrent_ThatStallsWithHalfOfAStream_LeavesTheRestToOthers()
    {
        await StartAsync(static options => options.StreamWindow = 1 << 20);
        await _stream.BeginAsync(1, 1000, PieceBytes, Other);
        await _stream.BeginAsync(2, 1, PieceBytes, Stalled);
        await _stream.BeginAsync(3, 2, PieceBytes, Stalled);
        await _stream.BeginAsync(4, 3, PieceBytes, Stalled);
        await _stream.BeginAsync(5, 4, PieceBytes, Stalled);
        await _stream.BeginAsync(6, 5, PieceBytes, Stalled);
        await ReadUntilAsync(() => _stream.Received == 6 * PieceBytes && _stream.Answers.Count == 1);
        await Eventually.BecomesTrueAsync(() => _server.Workers.Snapshot == (4, 1));
        _time.Advance(TimeSpan.FromSeconds(3));
        await _stream.BeginAsync(7, 6, PieceBytes, Stalled);
        await _stream.BeginAsync(8, 1001, PieceBytes, Other);
        await ReadUntilAsync(() => _stream.Answers.Count == 3);
        Assert.That(_stream.Answers.Skip(1), Is.EquivalentTo(new[] { (7UL, AckStatus.Busy), (8UL, AckStatus.Accepted) }));
    }

    [Test]
    public async Task Torrents_WithUnequalLoad_TakeTurnsOfAMebibyte()
    {
        await StartAsync(static options => options.StreamWorkers = 1);
        var order = new List<InfoHash>();
        _fake.OnBegin = (piece, _) => (PieceAckStatus.Pending, new FakeTransfer(PieceBytes)
        {
            OnWrite = () =>
            {
                _disk.Wait();
                order.Add(piece.Torrent);
            },
        });

        // The first holds the worker until all others wait: twelve of one torrent, then four of another.
        for (var i = 1; i <= 17; i++)
        {
            await _stream.BeginAsync((ulong)i, i, PieceBytes, i <= 13 ? Stalled : Other);
        }

        await ReadUntilAsync(() => _stream.Received == 17 * PieceBytes);
        _disk.Set();
        await ReadUntilAsync(() => _stream.Answers.Count == 17);
        Assert.That(order.Take(4), Is.All.EqualTo(Stalled));
        Assert.That(order.Skip(4).Take(4), Is.All.EqualTo(Other));
        Assert.That(order.Skip(8), Is.All.EqualTo(Stalled));
    }

    [Test]
    public async Task Stream_LostWhileItsTorrentStalls_LeavesNothing()
    {
        await StartAsync(static _ => { });
        for (var i = 1UL; i <= 6; i++)
        {
            await _stream.BeginAsync(i, (int)i, PieceBytes, i % 2 == 0 ? Stalled : Other);
        }

        await _stream.SendAsync(new SourceFrame { Cancel = new CancelPiece { Transfer = 4 } });
        await ReadUntilAsync(() => _stream.Received == 6 * PieceBytes);
        await StalledIsInHandAsync();
        _stream.Dispose();
        await Eventually.BecomesTrueAsync(() => _server.Workers.GetHeld(Stalled) == PieceBytes);
    }

    /// <summary>A worker has the first of the stalled pieces; one that no worker has is dropped like those behind it.</summary>
    private Task StalledIsInHandAsync() => Eventually.BecomesTrueAsync(() => _fake.Pieces.Keys.Any(static piece => piece.Torrent == Stalled));

    private async Task StartAsync(Action<TransportServerOptions> configure)
    {
        _server = await DestinationServer.StartAsync(
            _fake,
            _logs,
            options =>
            {
                (options.StreamWorkers, options.AckDelay) = (2, TimeSpan.Zero);
                configure(options);
            },
            time: _time);
        _channel = GrpcChannel.ForAddress($"http://127.0.0.1:{_server.Port}");
        var invoker = _channel.CreateCallInvoker();
        var request = new HelloRequest { Lowest = 1, Highest = 1, Name = "x", SourceId = WireMapping.ToWire(new byte[16]) };
        var hello = await invoker.AsyncUnaryCall(SyncMethods.Hello, null, default, request).ResponseAsync.DefaultTimeout();
        _stream = new RawStream(invoker, new Metadata { { SyncLimits.SessionKey, hello.Session.ToByteArray() } });
        await _stream.OpenAsync();
        await ReadUntilAsync(() => _stream.Credit > 0);
    }

    private Task ReadUntilAsync(Func<bool> condition) => _stream.ReadUntilAsync(condition);
}
