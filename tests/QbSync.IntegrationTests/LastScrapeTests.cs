using Microsoft.Extensions.Time.Testing;
using QbSync.Testing.Metrics;
using QbSync.Testing.Networks;
using QbSync.Testing.Specifications;

namespace QbSync.IntegrationTests;

/// <summary>
/// What a source that is told to stop serves up to its last scrape, over HTTP: each answer is whole, and the last one is right. The source's clock is the
/// test's, and moves only while nobody works here.
/// </summary>
internal sealed class LastScrapeTests
{
    // More than what a connection carries before the relay holds answers, so that none of these is ever answered.
    private const int HeldPiece = 128 * 1024;
    private const int HeldPieces = 3;
    private static readonly TimeSpan Step = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan EndStep = TimeSpan.FromSeconds(2);
    private readonly FakeTimeProvider _time = new(TimeProvider.System.GetUtcNow());

    [TestCase(false)]
    [TestCase(true)]
    [MetricCase("C18"), MetricCase("Q7"), MetricCase("G22"), MetricCase("A10")]
    public async Task Stop_WithAHandoffAndAnswersWithheld_LastScrapeHasWhatWasLostAndWhatLeft(bool isHurried)
    {
        await using var way = new FaultRelay();
        await using var nodes = new TwoNodes { SourceTime = _time };
        var leaving = new TorrentBuilder("leaving.bin") { Length = 40_000, PieceLength = 16 * 1024, Seed = 1 }.Build();
        nodes.AddAtSource(leaving);
        (string, string)[] patient = [("piece-timeout", "1h"), ("keepalive", "5m")];
        await nodes.OpenAsync(
            [("destination-addr", way.Address), ("drain", "always"), ("drain-timeout", "60s"), ("min-seeding-time", "10d"), ("qb-poll-interval", "500ms"), .. patient], []);
        way.Start(nodes.Destination.ListenAddress!);
        nodes.Run();
        await PassUntilAsync(async () => (await ReadAsync(nodes, "while it syncs")).Sum("qbsync_sync_outcomes_total", ("result", "success")) == 1);
        way.HoldAnswers();
        nodes.AddAtSource(new TorrentBuilder("held.bin") { Length = HeldPieces * HeldPiece, PieceLength = HeldPiece, Seed = 2 }.Build());
        await PassUntilAsync(async () => (await ReadAsync(nodes, "while it sends")).Sum("qbsync_inflight_pieces") == HeldPieces);
        Assert.That((await ReadAsync(nodes, "before the signal")).Sum("qbsync_draining"), Is.Zero);

        await nodes.SignalSourceAsync();

        // The drain goes on for what could still become whole there, so it is seen.
        await PassUntilAsync(async () => await ReadAsync(nodes, "in the drain") is var scrape
            && scrape.Sum("qbsync_draining") == 1 && scrape.Sum("qbsync_handoff_total", ("result", "success")) == 1);
        Assert.That((await ReadAsync(nodes, "in the drain")).Sum("qbsync_drain_timeout_pieces_lost_total"), Is.Zero);
        if (isHurried)
        {
            await nodes.SignalSourceAgainAsync();
        }

        var ending = nodes.SourceEndedAsync();
        await PassUntilAsync(async () => await ReadAsync(nodes, "while it stops") is not null && ending.IsCompleted, EndStep);
        await ending;
        var last = await ReadAsync(nodes, "when it has stopped");

        // One that was hurried leaves its streams to end by themselves.
        way.ReleaseAnswers();
        Assert.Multiple(() =>
        {
            Assert.That(last.Sum("qbsync_drain_timeout_pieces_lost_total"), Is.EqualTo(HeldPieces));
            Assert.That(last.Sum("qbsync_pieces_failed_total"), Is.EqualTo(HeldPieces), "each ends once");
            Assert.That(last.Sum("qbsync_inflight_pieces"), Is.Zero);
            Assert.That(last.Sum("qbsync_draining"), Is.Zero);
            Assert.That(last.Sum("qbsync_handoff_total", ("result", "success")), Is.EqualTo(1));
            Assert.That(last.Sum("qbsync_handoff_total"), Is.EqualTo(1), "and nothing else happened to it");
            Assert.That(File.Exists(Path.Combine(nodes.SourceData, "leaving.bin")), Is.False);
            Assert.That(leaving.FindDifference(nodes.DestinationData), Is.Null);
        });
    }

    private static Task<Exposition> ReadAsync(TwoNodes nodes, string when) => nodes.Reports.ReadAsync(when);

    private Task PassUntilAsync(Func<Task<bool>> condition, TimeSpan? step = null) => Eventually.BecomesTrueAsync(async () =>
    {
        var before = _time.GetUtcNow();
        await VirtualTime.PassUntilAsync(_time, () => _time.GetUtcNow() > before, _ => step ?? Step, static () => { }, static () => "a step");
        return await condition();
    });
}
