using System.Globalization;
using Grpc.Net.Client;
using Microsoft.Extensions.Time.Testing;
using QbSync.Outcomes;
using QbSync.Ports;
using QbSync.Testing.Logging;
using QbSync.Testing.Specifications;
using QbSync.Testing.Waiting;
using QbSync.Torrents;
using QbSync.Transport.Congestion;
using QbSync.Transport.Tests.Client;
using QbSync.Transport.Tests.Server;

namespace QbSync.Transport.Tests.EndToEnd;

/// <summary>Links that are slow, and links that are told to be, on a clock of their own.</summary>
internal sealed class SlowLinkTests
{
    private const int MiB = 1 << 20;
    private const double OneMegabit = 125_000;
    private static readonly Caller Caller = new(new Guid("6f1c2a0e-52a9-4c0f-9d5b-1f2e3d4c5b6a"), "test");

    [Test]
    [TransportCase(7)]
    public async Task Uploads_OverOneMegabit_TakeTheirTimeAndAThirdIsBusy()
    {
        // Only the client and the link live on the link's clock: what the server takes to read is no time of the link.
        using var logs = new LogErrorGuard();
        var time = new FakeTimeProvider(new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero));
        var fake = new FakeDestination();
        await using var server = await DestinationServer.StartAsync(fake, logs, time: PatientTime.Instance);
        await using var relay = new PacedRelay(server.Port, time, OneMegabit) { HoldAfter = 60 * MiB };
        await using var slow = Connect(relay.Port, logs, time, new TransportClientOptions());
        await using var other = Connect(server.Port, logs, PatientTime.Instance, new TransportClientOptions());
        var request = NewInit() with
        {
            Torrent = new byte[90 * MiB],
            Files = [.. Enumerable.Range(0, 500_000).Select(static i => new SourceFile(i, new FileIdentity(1, (ulong)i, i, i), []))],
            FilesDigest = new byte[32],
        };
        var began = time.GetUtcNow();
        var first = UploadAsync();
        using var channel = GrpcChannel.ForAddress($"http://127.0.0.1:{server.Port}");
        var invoker = channel.CreateCallInvoker();
        using var second = new HeldUpload(invoker, await HeldUpload.GreetAsync(invoker), NewInit());
        var small = NewInit() with { Torrent = new byte[MiB] };
        await Eventually.BecomesTrueAsync(async () =>
        {
            await second.BeginAsync();
            return await other.InitAsync(Caller, small, default) is InitOutcome.Refused { Refusal: { Reason: RefusalReason.Busy, RetryAfter: not null } };
        });
        Assert.That(first.IsCompleted, Is.False, "two at once, and a third is Busy meanwhile");
        relay.GoOn();
        Assert.That(await first.DefaultTimeout(), Is.TypeOf<InitOutcome.Running>());
        Assert.That(time.GetUtcNow() - began, Is.GreaterThan(TimeSpan.FromSeconds(90 * MiB / OneMegabit)));
        var seen = fake.Requests.Select(static item => item.Request).OfType<InitRequest>().Single(static seen => seen.Torrent.Length > MiB);
        Assert.That((seen.Torrent.Length, seen.Files?.Count), Is.EqualTo((90 * MiB, 500_000)));
        Assert.That(await other.InitAsync(Caller, small, default).DefaultTimeout(), Is.TypeOf<InitOutcome.Running>(), "there is a place again");
        logs.Verify();

        // A small one may have the last place just when the large one comes: who is told Busy comes again.
        async Task<InitOutcome> UploadAsync()
        {
            InitOutcome outcome;
            do
            {
                outcome = await slow.InitAsync(Caller, request, default);
            }
            while (outcome is InitOutcome.Refused { Refusal.Reason: RefusalReason.Busy });

            return outcome;
        }
    }

    [TestCase(1 << 20)]
    [TestCase(64 << 10)]
    [TransportCase(31)]
    [SourceCase(61)]
    public async Task Rate_OfLargePieces_IsKeptWithinThreePercent(long rate)
    {
        const int Seconds = 10;
        var step = TimeSpan.FromMilliseconds(50);
        using var logs = new LogErrorGuard();
        var time = new FakeTimeProvider();
        await using var server = await PieceServer.StartAsync(new TestIntake(16 * MiB), logs);
        await using var remote = Connect(server.Port, logs, time, new TransportClientOptions { RateLimit = rate });
        var sink = new RecordingSink();
        var link = remote.OpenLink(Caller, sink);
        await using var closing = link.ConfigureAwait(false);
        await Eventually.BecomesTrueAsync(() => link.OpenStreams > 0);
        var sent = new Counter();
        using var stop = new CancellationTokenSource();
        var senders = Enumerable.Range(0, 4).Select(index => SendAsync(link, index, sent, stop.Token)).ToArray();

        var chunk = ChunkSizing.Limited(MiB, rate);
        var burst = Math.Max(chunk, rate / 4);
        var first = sent.Bytes;
        var now = TimeSpan.Zero;
        while (now < TimeSpan.FromSeconds(Seconds))
        {
            Pass(step);

            // Who may send does, sooner or later: the clock all but stands until then. What is left in the bucket is less than a chunk. A sender that was held up
            // between reckoning its pause and beginning it begins it only now, and waits for a clock that goes.
            var looks = 0;
            await Eventually.BecomesTrueAsync(() =>
            {
                var isSent = sent.Bytes - first > Due() - chunk - 1;
                if (!isSent && ++looks % 10 == 0)
                {
                    Pass(TimeSpan.FromMilliseconds(1));
                }

                return isSent;
            });
            Assert.That(sent.Bytes - first, Is.LessThanOrEqualTo(Due() + burst), string.Create(CultureInfo.InvariantCulture, $"at {now}"));
        }

        Assert.That((sent.Bytes - first) / (double)Due(), Is.EqualTo(1).Within(0.03));
        Assert.That(sink.Losses, Is.Empty, "to wait for the rate is no timeout");
        await stop.CancelAsync();
        await Task.WhenAll(senders).DefaultTimeout();

        long Due() => (long)(rate * now.TotalSeconds);

        void Pass(TimeSpan span)
        {
            now += span;
            time.Advance(span);
        }
    }

    private static async Task SendAsync(IPieceLink link, int index, Counter sent, CancellationToken stop)
    {
        try
        {
            while (true)
            {
                await link.SendAsync(new CountedSource(index, sent), stop);
            }
        }
        catch (OperationCanceledException)
        {
            // The test has seen enough.
        }
    }

    private static InitRequest NewInit() => new()
    {
        Id = TestSource.Torrent,
        Selection = new byte[] { 0xc0 },
        Place = new Place("disk", [], ContentLayout.Original),
        Parameters = new TorrentParameters(),
    };

    private static RemoteDestination Connect(int port, LogErrorGuard logs, TimeProvider time, TransportClientOptions options)
    {
        var registry = Prometheus.Metrics.NewCustomRegistry();
        options.Address = $"127.0.0.1:{port}";
        options.Security.Mode = SecurityMode.Insecure;
        return new RemoteDestination(options, Prometheus.Metrics.WithCustomRegistry(registry), registry, logs, time, new Random(1));
    }

    private sealed class Counter
    {
        private long _bytes;

        public long Bytes => Interlocked.Read(ref _bytes);

        public void Add(int bytes) => Interlocked.Add(ref _bytes, bytes);
    }

    /// <summary>Counts what is handed to the stream.</summary>
    private sealed class CountedSource(int index, Counter sent) : IChunkSource
    {
        private readonly TestSource _inner = new(index, 16 * MiB);

        public Pieces.PieceRef Piece => _inner.Piece;

        public ulong Epoch => _inner.Epoch;

        public long Attempt => _inner.Attempt;

        public IReadOnlyList<(int Offset, int Length)> Ranges => _inner.Ranges;

        public bool TryFill(int offset, Span<byte> destination)
        {
            sent.Add(destination.Length);
            return _inner.TryFill(offset, destination);
        }

        public void Dispose() => _inner.Dispose();
    }
}
