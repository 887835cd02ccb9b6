using Microsoft.Extensions.Time.Testing;
using QbSync.Outcomes;
using QbSync.Ports;
using QbSync.Testing.Metrics;
using QbSync.Testing.Specifications;
using QbSync.Testing.Waiting;
using QbSync.Transport.Tests.Client;

namespace QbSync.Transport.Tests.EndToEnd;

/// <summary>What answers that come late, twice, or for what was there already move on both sides.</summary>
internal sealed class AnswerCountsTests
{
    private const int PieceLength = 1000;

    [Test]
    [MetricCase("A04"), MetricCase("A03")]
    public async Task Ack_AfterThePieceWasGivenUp_IsLateAndNothingIsSentAgain()
    {
        var time = new FakeTimeProvider();
        await using var rig = new LinkRig { Time = time };
        ulong withheld = 0;
        var destination = new GeneratedDestination(PieceLength)
        {
            OnAnswering = (_, _, batch) =>
            {
                if (withheld == 0 && batch.Accepted.Count > 0)
                {
                    withheld = batch.Accepted[0];
                    batch.Accepted.Clear();
                }
                else if (batch.Accepted.Count > 0)
                {
                    batch.Accepted.Add(withheld);
                }
            },
        };
        var (app, port) = await destination.StartAsync(rig.Log);
        await using var serving = app;
        rig.Open(port, OneStream);
        await rig.SendAsync([new TestSource(0, PieceLength)]).DefaultTimeout();
        await Eventually.BecomesTrueAsync(() => Volatile.Read(ref withheld) != 0);

        await Eventually.BecomesTrueAsync(async () =>
        {
            time.Advance(TimeSpan.FromSeconds(20));
            return await rig.SumAsync("qbsync_stale_pieces_total") == 1;
        });
        await rig.SendAsync([new TestSource(1, PieceLength)]).DefaultTimeout();
        await Eventually.BecomesTrueAsync(() => rig.Sink.Acks.Count == 2);

        Assert.That(rig.Sink.Held, Is.EquivalentTo(new[] { 0, 1 }), "the late one counts as held");
        Assert.That(rig.Sink.Losses.Select(static loss => (loss.Piece.Index, loss.Cause)), Is.EqualTo(new[] { (0, PieceLossCause.Stale) }));
        Assert.That(await rig.SumAsync("qbsync_late_acks_total"), Is.EqualTo(1));
        Assert.That(await rig.SumAsync("qbsync_pieces_acked_total"), Is.EqualTo(1));
        Assert.That(await rig.SumAsync("qbsync_pieces_failed_total"), Is.EqualTo(1));
        Assert.That(await rig.SumAsync("qbsync_bytes_resent_total"), Is.Zero);
        Assert.That(await rig.SumAsync("qbsync_bytes_sent_total"), Is.EqualTo(2 * PieceLength));
    }

    [Test]
    [MetricCase("A14"), MetricCase("A08"), MetricCase("L4")]
    public async Task Piece_ThatIsThereAlready_IsADuplicateThere_AndAcknowledgedHere()
    {
        await using var rig = new LinkRig();
        var intake = new TestIntake(PieceLength)
        {
            OnBegin = static piece => piece.Index == 1 ? PieceAckStatus.Held : piece.Index == 2 ? PieceAckStatus.NoSpace : PieceAckStatus.Pending,
        };
        var server = await rig.StartAsync(intake);
        rig.Open(server.Port, OneStream);

        await rig.SendAsync(Enumerable.Range(0, 4).Select(static index => new TestSource(index, PieceLength))).DefaultTimeout();
        await Eventually.BecomesTrueAsync(() => rig.Sink.Acks.Count == 4);

        var there = await ScrapeAsync(server);
        Assert.That(there.Sum("qbsync_duplicate_pieces_total"), Is.EqualTo(1));
        Assert.That(there.Sum("qbsync_piece_rejections_total", ("code", "no_space")), Is.EqualTo(1));
        Assert.That(there.Sum("qbsync_piece_rejections_total"), Is.EqualTo(1));
        Assert.That(await rig.SumAsync("qbsync_pieces_acked_total"), Is.EqualTo(3));
        Assert.That(await rig.SumAsync("qbsync_piece_rejections_total{mode=\"source\",code=\"no_space\"}"), Is.EqualTo(1));
        Assert.That(await rig.SumAsync("qbsync_bytes_sent_total"), Is.EqualTo(there.Sum("qbsync_bytes_received_total")));
    }

    private static void OneStream(TransportClientOptions options)
    {
        options.MinConnections = 1;
        options.MaxConnections = 1;
        options.MaxStreamsPerConnection = 1;
    }

    private static async Task<Exposition> ScrapeAsync(PieceServer server)
    {
        using var text = new MemoryStream();
        await MovedSeries.CollectAsync(server.Registry, text);
        return Exposition.Parse(System.Text.Encoding.UTF8.GetString(text.ToArray()));
    }
}
