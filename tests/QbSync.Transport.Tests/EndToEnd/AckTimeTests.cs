using Microsoft.Extensions.Time.Testing;
using QbSync.Outcomes;
using QbSync.Pieces;
using QbSync.Ports;
using QbSync.Testing.Specifications;
using QbSync.Testing.Waiting;
using QbSync.Transport.Tests.Client;

namespace QbSync.Transport.Tests.EndToEnd;

/// <summary>The time to an answer is that of the way and of the destination: how long the piece was read before is none of it.</summary>
internal sealed class AckTimeTests
{
    private const int Length = 1 << 14;

    [Test]
    [MetricCase("H04")]
    public async Task Ack_OfAPieceThatWasReadSlowly_IsTimedFromItsLastChunk()
    {
        var time = new FakeTimeProvider();
        await using var rig = new LinkRig { Time = time };
        var answers = new ManualResetEventSlim(); // not disposed: a worker may wait for it longer than the test
        var server = await rig.StartAsync(new TestIntake(Length)
        {
            OnWhole = _ =>
            {
                answers.Wait();
                return PieceAckStatus.Accepted;
            },
        });
        try
        {
            rig.Open(server.Port, static options => options.PieceTimeout = TimeSpan.FromHours(1));
            var read = new SlowlyRead(new TestSource(0, Length), () => time.Advance(TimeSpan.FromSeconds(2)));
            Assert.That(await rig.Link.SendAsync(read, CancellationToken.None).AsTask().DefaultTimeout(), Is.EqualTo(SendOutcome.Sent));
            time.Advance(TimeSpan.FromMilliseconds(100));
            answers.Set();
            await Eventually.BecomesTrueAsync(() => rig.Sink.Acks.Count == 1);

            Assert.That(await rig.SumAsync("qbsync_piece_rtt_seconds_count"), Is.EqualTo(1));
            Assert.That(await rig.SumAsync("qbsync_piece_rtt_seconds_bucket{le=\"0.05\"}"), Is.Zero);
            Assert.That(await rig.SumAsync("qbsync_piece_rtt_seconds_bucket{le=\"0.1\"}"), Is.EqualTo(1));
        }
        finally
        {
            answers.Set();
        }
    }

    private sealed class SlowlyRead(TestSource source, Action read) : IChunkSource
    {
        public PieceRef Piece => source.Piece;

        public ulong Epoch => source.Epoch;

        public long Attempt => source.Attempt;

        public IReadOnlyList<(int Offset, int Length)> Ranges => source.Ranges;

        public bool TryFill(int offset, Span<byte> destination)
        {
            read();
            return source.TryFill(offset, destination);
        }

        public void Dispose() => source.Dispose();
    }
}
