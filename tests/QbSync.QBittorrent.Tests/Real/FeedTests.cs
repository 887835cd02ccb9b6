using QbSync.Ports;
using QbSync.Testing.Torrents;
using QbSync.Testing.Waiting;

namespace QbSync.QBittorrent.Tests.Real;

[Category("Real"), NonParallelizable]
internal sealed class FeedTests
{
    [Test]
    public async Task Poll_AddChangeDelete_EachIsSeenAndUnchangedOnesAreShared()
    {
        await using var real = await RealClient.StartAsync(requireLogin: true);
        var still = await real.SeedAsync(new TorrentBuilder("still.bin") { Seed = 31 }.Build());
        var first = await real.Client.PollAsync([], default).DefaultTimeout();
        Assert.That(first.Kind, Is.EqualTo(ClientUpdateKind.Full));
        Assert.That(first.Torrents.Select(static torrent => torrent.Name), Is.EqualTo(new[] { "still.bin" }));
        Assert.That(first.FreeBytes, Is.Positive);

        var moved = await real.SeedAsync(new TorrentBuilder("moved.bin") { Seed = 32 }.Build());
        await UntilAsync(real, static update => update.Torrents.Any(static torrent => torrent is { Name: "moved.bin", IsComplete: true }));
        await real.Client.AddTagsAsync([moved.Id], ["synced"], default).DefaultTimeout();
        var tagged = await UntilAsync(real, update => update.Torrents.Any(torrent => torrent.Id == moved.Id && torrent.Tags.Contains("synced")));
        Assert.That(tagged.Torrents, Has.Count.EqualTo(2));

        await real.Instance.PostAsync(
            "torrents/delete", new Dictionary<string, string> { ["hashes"] = moved.Id.Value, ["deleteFiles"] = "true" }, default).DefaultTimeout();
        var removed = await UntilAsync(real, update => update.Torrents.Count == 1);
        Assert.That(removed.Kind, Is.EqualTo(ClientUpdateKind.Delta));
        Assert.That(removed.Removed, Is.EqualTo(new[] { moved.Id }));
        Assert.That(removed.Torrents[0].Id, Is.EqualTo(still.Id));
        Assert.That(real.Metric("qbsync_qb_api_calls_total", "Login"), Is.EqualTo(1));
    }

    [Test]
    public async Task Poll_Watched_IsFreshWhateverTheKind()
    {
        await using var real = await RealClient.StartAsync();
        var torrent = await real.SeedAsync(new TorrentBuilder("watched.bin") { Seed = 33 }.Build());
        await real.Client.PollAsync([torrent.Id], default).DefaultTimeout();
        await real.Client.AddTagsAsync([torrent.Id], ["fresh"], default).DefaultTimeout();
        await UntilAsync(real, static update => update.Torrents.Single().Tags.Contains("fresh"), torrent.Id);
    }

    // Nothing may be missed on the way, so what a delta removes is looked for in every update until the condition holds.
    private static async Task<ClientUpdate> UntilAsync(RealClient real, Func<ClientUpdate, bool> condition, params ClientTorrentId[] watched)
    {
        ClientUpdate? update = null;
        await Eventually.BecomesTrueAsync(async () => condition(update = await real.Client.PollAsync(watched, default)));
        return update!;
    }
}
