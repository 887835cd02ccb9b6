using System.Net;
using QbSync.Testing.Processes;
using QbSync.Testing.Specifications;

namespace QbSync.IntegrationTests;

/// <summary>A source that is told to stop, as the host runs it: it hands over first, and reports to the end.</summary>
internal sealed class DrainTests
{
    private static readonly HttpClient Http = new() { Timeout = Testing.Waiting.TaskExtensions.Timeout };

    [Test]
    [HostCase(13)]
    [SourceCase(119)]
    [MetricCase("G22"), MetricCase("Q7")]
    public async Task Signal_WithDrainAlways_HandsOverWhileEverythingIsReported()
    {
        await using var nodes = new TwoNodes();
        var synced = new TorrentBuilder("synced.bin") { PieceLength = 16 * 1024, Length = 100_000, Seed = 1 }.Build();
        var slow = new TorrentBuilder("slow.bin") { PieceLength = 16 * 1024, Length = 8 << 20, Seed = 2 }.Build();
        nodes.AddAtSource(synced);
        await nodes.StartAsync(("drain", "always"), ("rate-limit", "65536"), ("min-seeding-time", "10d"), ("qb-poll-interval", "100ms"));
        await nodes.AllSyncedAsync(1);
        nodes.AddAtSource(slow);
        await Eventually.BecomesTrueAsync(() => nodes.Source.Status!.Torrents.Any(torrent => torrent.Id == slow.Id && torrent.State == "Streaming"));
        Assert.That((await ReadAsync(nodes)).Sum("qbsync_draining"), Is.Zero);
        Assert.That(await GetAsync(nodes, "/readyz"), Is.EqualTo(HttpStatusCode.OK));

        await nodes.SignalSourceAsync();
        await Eventually.BecomesTrueAsync(async () => (await ReadAsync(nodes)).Sum("qbsync_draining") == 1);
        Assert.That(await GetAsync(nodes, "/readyz"), Is.EqualTo(HttpStatusCode.ServiceUnavailable));
        Assert.That(await GetAsync(nodes, "/livez"), Is.EqualTo(HttpStatusCode.OK));
        await Eventually.BecomesTrueAsync(
            async () => (await ReadAsync(nodes)).Sum("qbsync_cleanup_torrents_handed_off_total") == 1);
        await Eventually.BecomesTrueAsync(async () => (await ReadAsync(nodes)).Sum("qbsync_handoff_total", "result=\"success\"") == 1);
        Assert.That(File.Exists(Path.Combine(nodes.SourceData, "synced.bin")), Is.False, "deleted here");
        Assert.That(synced.FindDifference(nodes.DestinationData), Is.Null, "and whole there");

        // What is still sent could join for minutes; the second signal ends that.
        await nodes.SignalSourceAgainAsync();
        await nodes.SourceEndedAsync();
        var last = await ReadAsync(nodes);
        Assert.That(last.Sum("qbsync_draining"), Is.Zero, "reports outlive the work");
        Assert.That(last.Sum("qbsync_handoff_total", "result=\"success\""), Is.EqualTo(1));
        Assert.That(File.Exists(Path.Combine(nodes.SourceData, "slow.bin")), Is.True);
    }

    private static async Task<Scrape> ReadAsync(TwoNodes nodes) => new(await Http.GetStringAsync(new Uri(nodes.Source.HealthAddress!, "/metrics")));

    private static async Task<HttpStatusCode> GetAsync(TwoNodes nodes, string path)
    {
        using var answer = await Http.GetAsync(new Uri(nodes.Source.HealthAddress!, path));
        return answer.StatusCode;
    }
}
