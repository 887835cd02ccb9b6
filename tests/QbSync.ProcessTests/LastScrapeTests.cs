using QbSync.Testing.Machine;
using QbSync.Testing.Networks;
using QbSync.Testing.Specifications;
using QbSync.Testing.Torrents;
using QbSync.Testing.Waiting;

namespace QbSync.ProcessTests;

/// <summary>A source as the process that people run, which gets a SIGTERM: its <c>/metrics</c> is read without a pause from before the signal to its last answer.</summary>
internal sealed class LastScrapeTests
{
    // More than what a connection carries before the relay holds answers, so that none of these is ever answered.
    private const int HeldPiece = 128 * 1024;
    private const int HeldPieces = 3;
    private const string Lost = "3 pieces were not answered before the link closed";

    /// <summary>Gracefully it takes the half minute that answers have; with a second signal, no more than seconds.</summary>
    [TestCase(true)]
    [TestCase(false, Category = "Long")]
    [MetricCase("Q7"), MetricCase("G22"), MetricCase("C18"), MetricCase("A10")]
    public async Task SigTerm_WithAHandoffAndAnswersWithheld_IsServedToTheEnd(bool isHurried)
    {
        using var folder = new TempDirectory();
        await using var way = new FaultRelay();
        await using var nodes = new TwoProcesses(folder["data"], folder["own"]);
        var port = FreePorts.Take();
        nodes.Add(new TorrentBuilder("leaving.bin") { Length = 40_000, PieceLength = 16 * 1024, Seed = 1 }.Build());
        nodes.StartDestination();
        way.Start(new Uri($"http://{nodes.Address}"));
        nodes.StartSource(0, port, "always", "10d", way.Address, "--drain-timeout", "60s", "--piece-timeout", "1h", "--keepalive", "5m");
        var source = nodes.Source!;
        var reader = new MetricsReader(source, port, Lost);
        var reading = reader.ReadToTheEndAsync();
        await reader.SeesAsync(static scrape => scrape.Sum("qbsync_sync_outcomes_total", ("result", "success")) == 1);
        way.HoldAnswers();
        nodes.Add(new TorrentBuilder("held.bin") { Length = HeldPieces * HeldPiece, PieceLength = HeldPiece, Seed = 2 }.Build());
        await reader.SeesAsync(static scrape => scrape.Sum("qbsync_inflight_pieces") == HeldPieces);
        Assert.That(reader.Last!.Sum("qbsync_draining"), Is.Zero);

        source.SendTerm();

        // The drain goes on for what could still become whole there, so it is seen.
        await reader.SeesAsync(static scrape => scrape.Sum("qbsync_draining") == 1 && scrape.Sum("qbsync_handoff_total", ("result", "success")) == 1);
        Assert.That(reading.IsCompleted, Is.False, "it answers as long as it runs");
        if (isHurried)
        {
            source.SendTerm();
        }

        await reading.DefaultTimeout();
        Assert.That(await source.WaitForExitAsync(), Is.Zero, source.Output);
        Assert.That(source.Output, Does.Contain(Lost).And.Not.Contain(" error "));
        Assert.Multiple(() =>
        {
            Assert.That(reader.Last!.Sum("qbsync_handoff_total", ("result", "success")), Is.EqualTo(1));
            Assert.That(reader.Last!.Sum("qbsync_handoff_total"), Is.EqualTo(1));

            // How many answers there are after the loss is told is the machine's affair; each of them has it.
            Assert.That(reader.LostSinceTold, Is.All.EqualTo(HeldPieces));
        });
        await TestContext.Out.WriteLineAsync($"{reader.Answers} answers, {reader.LostSinceTold.Count} of them after the loss was told.");
    }
}
