using Microsoft.Extensions.Time.Testing;
using QbSync.Testing.Metrics;
using QbSync.Testing.Networks;
using QbSync.Testing.Specifications;

namespace QbSync.IntegrationTests;

/// <summary>What is sent twice. The source's clock is the test's, and moves only while nobody works here.</summary>
internal sealed class ResendTests
{
    private const int Piece = 64 * 1024;
    private const int Pieces = 8;
    private static readonly TimeSpan Step = TimeSpan.FromMilliseconds(100);
    private readonly FakeTimeProvider _time = new(TimeProvider.System.GetUtcNow());

    [TestCase(false)]
    [TestCase(true)]
    [MetricCase("A03"), MetricCase("A14")]
    public async Task Acks_ThatTakeTenPolls_SendNothingAgain_AndACutAtMostWhatWasInFlight(bool isCut)
    {
        await using var way = new FaultRelay();
        await using var nodes = new TwoNodes { SourceTime = _time };
        var torrent = new TorrentBuilder("film.bin") { Length = Pieces * Piece, PieceLength = Piece, Seed = 1 }.Build();
        nodes.AddAtSource(torrent);
        way.HoldAnswers();
        await nodes.OpenAsync([("destination-addr", way.Address), ("qb-poll-interval", "500ms"), ("keepalive", "5m")], []);
        way.Start(nodes.Destination.ListenAddress!);
        nodes.Run();
        await PassUntilAsync(async () => (await ReadAsync(nodes)).Sum("qbsync_pieces_sent_total") == Pieces);
        var until = _time.GetUtcNow() + TimeSpan.FromSeconds(5);
        await PassUntilAsync(() => Task.FromResult(_time.GetUtcNow() >= until));

        var held = await ReadAsync(nodes);
        var inFlight = held.Sum("qbsync_inflight_pieces");
        Assert.That(inFlight, Is.InRange(1, Pieces), "their acks are on the way");
        Assert.That(held.Sum("qbsync_bytes_resent_total"), Is.Zero, "polls do not send again what is on its way");
        if (isCut)
        {
            way.Cut();
        }

        way.ReleaseAnswers();
        await PassUntilAsync(() => Task.FromResult(nodes.Source.Status?.Torrents.Any(static shown => shown.FinishedAt is not null) == true));
        var after = await ReadAsync(nodes);
        Assert.That(after.Sum("qbsync_bytes_resent_total"), Is.LessThanOrEqualTo(isCut ? inFlight * Piece : 0));
        Assert.That(after.Sum("qbsync_bytes_sent_total"), Is.EqualTo((Pieces * Piece) + after.Sum("qbsync_bytes_resent_total")));
        var there = Exposition.Parse((await TwoNodes.ScrapeAsync(nodes.Destination.Registry)).Text);
        Assert.That(there.Sum("qbsync_piece_write_duration_seconds_count"), Is.EqualTo(Pieces), "each is written once");
        Assert.That(there.Sum("qbsync_duplicate_pieces_total") * Piece, Is.LessThanOrEqualTo(after.Sum("qbsync_bytes_resent_total")));
        Assert.That(torrent.FindDifference(nodes.DestinationData), Is.Null);

        await nodes.SignalSourceAsync();
        var ending = nodes.SourceEndedAsync();
        await PassUntilAsync(() => Task.FromResult(ending.IsCompleted));
        await ending;
    }

    private static async Task<Exposition> ReadAsync(TwoNodes nodes) => Exposition.Parse((await TwoNodes.ScrapeAsync(nodes.Source.Registry)).Text);

    private Task PassUntilAsync(Func<Task<bool>> condition) => Eventually.BecomesTrueAsync(async () =>
    {
        var before = _time.GetUtcNow();
        await VirtualTime.PassUntilAsync(_time, () => _time.GetUtcNow() > before, static _ => Step, static () => { }, static () => "a step");
        return await condition();
    });
}
