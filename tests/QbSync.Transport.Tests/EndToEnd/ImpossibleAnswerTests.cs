using QbSync.Ports;
using QbSync.Testing.Specifications;
using QbSync.Testing.Waiting;
using QbSync.Transport.Tests.Client;
using QbSync.Transport.Wire.Protocol;

namespace QbSync.Transport.Tests.EndToEnd;

/// <summary>A destination whose first stream answers what no honest one can: that stream ends, the next one works, and nobody else hears of it.</summary>
internal sealed class ImpossibleAnswerTests
{
    private const int PieceLength = 100_000;
    private const int Pieces = 8;

    private LinkRig _rig = null!;

    [SetUp]
    public void Begin() => _rig = new LinkRig();

    [TearDown]
    public async Task EndAsync() => await _rig.DisposeAsync();

    [TestCase("never begun")]
    [TestCase("transfer 0")]
    [TestCase("refused, never begun")]
    [TestCase("received beyond handed over")]
    [TestCase("received falls")]
    [TestCase("received 2^63")]
    [TestCase("credit falls")]
    [TestCase("credit 2^64 - 1")]
    [TestCase("returns never made")]
    [TestCase("long list")]
    [TestCase("list beyond any message")]
    [TransportCase(13)]
    public async Task Answer_NoHonestPeerCanGive_EndsItsStreamAndTheNextOneWorks(string wrong)
    {
        var isWrong = false;
        var destination = new GeneratedDestination(PieceLength)
        {
            OnAnswering = (stream, isChunk, batch) =>
            {
                // Not with the first answer: some numbers are wrong only beside an earlier one.
                if (stream == 1 && isChunk && batch.Received > PieceLength * 2 && !isWrong)
                {
                    isWrong = true;
                    Spoil(batch, wrong);
                }
            },
        };
        var (app, port) = await destination.StartAsync(_rig.Log);
        await using var serving = app;
        _rig.Open(port, static options =>
        {
            options.MinConnections = 1;
            options.MaxConnections = 1;
            options.MaxStreamsPerConnection = 1;
        });

        var sent = await SendAsync(0);
        await Eventually.BecomesTrueAsync(async () => await _rig.SumAsync("qbsync_receive_acks_exit_total{reason=\"error\"}") == 1);
        await Eventually.BecomesTrueAsync(() => _rig.Sink.Acks.Count + _rig.Sink.Losses.Count == sent);
        Assert.That(_rig.Sink.Acks.Select(ack => ack.Attempt).Concat(_rig.Sink.Losses.Select(loss => loss.Attempt)), Is.Unique);
        var before = _rig.Sink.Acks.Count;

        Assert.That(await SendAsync(Pieces), Is.EqualTo(Pieces));
        await Eventually.BecomesTrueAsync(() => _rig.Sink.Acks.Count == before + Pieces);
        Assert.That(await _rig.SumAsync("qbsync_receive_acks_exit_total"), Is.EqualTo(1));
        Assert.That(destination.Streams, Is.GreaterThanOrEqualTo(2), "one that is not taken in time is opened once more");
    }

    private async Task<int> SendAsync(int first)
    {
        var outcomes = await _rig.SendAsync(Enumerable.Range(first, Pieces).Select(index => new TestSource(index, PieceLength))).DefaultTimeout();
        return outcomes.Count(static outcome => outcome == SendOutcome.Sent);
    }

    private static void Spoil(AckBatch batch, string wrong)
    {
        switch (wrong)
        {
            case "never begun":
                batch.Accepted.Add(1000);
                break;
            case "transfer 0":
                batch.Held.Add(0);
                break;
            case "refused, never begun":
                batch.Nack.Add(new Nack { Transfer = ulong.MaxValue, Status = (AckStatus)4711, RetryAfterMs = ulong.MaxValue });
                break;
            case "received beyond handed over":
                batch.Received += 1 << 30;
                break;
            case "received falls":
                batch.Received = 1;
                break;
            case "received 2^63":
                batch.Received = 1UL << 63;
                break;
            case "credit falls":
                batch.Credit -= 8 << 20;
                break;
            case "credit 2^64 - 1":
                batch.Credit = ulong.MaxValue;
                break;
            case "returns never made":
                batch.Returns = 1;
                break;
            case "long list":
                batch.Accepted.AddRange(Enumerable.Range(1000, 500_000).Select(static transfer => (ulong)transfer));
                break;
            case "list beyond any message":
                batch.Accepted.AddRange(Enumerable.Repeat(1UL, 3 << 20));
                break;
            default:
                throw new ArgumentException(wrong, nameof(wrong));
        }
    }
}
