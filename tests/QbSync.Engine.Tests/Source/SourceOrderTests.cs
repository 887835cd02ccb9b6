using QbSync.Engine.Tests.Source.World;
using QbSync.Testing.Specifications;
using QbSync.Torrents;

namespace QbSync.Engine.Tests.Source;

/// <summary>Who is served when the link is the narrow place, measured in virtual time.</summary>
[TestFixture]
internal sealed class SourceOrderTests
{
    private const int PieceLength = 16384;
    private static readonly TimeSpan Step = TimeSpan.FromMilliseconds(50);

    [Test, SourceCase(23)]
    public async Task BacklogOfFifty_BesideALiveDownload_LeavesItNoLagAndFinishesOneAfterAnother()
    {
        await using var world = new SourceWorld();
        world.Destination.Pace.BytesPerSecond = 20 * PieceLength;
        var backlog = Enumerable.Range(0, 50).Select(i => world.Client.Add(SourceWorld.Torrent($"b{i}", pieces: 12, seed: i))).ToList();
        var live = world.Client.Add(SourceWorld.Torrent("live", pieces: 50, seed: 99), complete: false);
        live.Has.Set(0);
        world.Start();
        await world.PassUntilAsync(() => world.Progress(live.Torrent.Id)?.PiecesDone == 1, Step);
        var had = new Dictionary<int, DateTimeOffset>();
        for (var piece = 1; piece < 50; piece++)
        {
            var next = piece;
            world.Client.Change(() => live.Has.Set(next));
            had[piece] = world.Time.GetUtcNow();
            await world.PassAsync(TimeSpan.FromMilliseconds(700), Step);
        }

        await world.PassUntilAsync(() => world.IsSynced(live) && backlog.TrueForAll(world.IsSynced), Step);
        var sent = world.Destination.Link!.Sent.ToList();
        var lags = sent.Where(sent => sent.Piece.Torrent == live.Torrent.Id && had.ContainsKey(sent.Piece.Index))
            .Select(sent => (sent.At - had[sent.Piece.Index]).TotalSeconds).Order().ToList();
        Assert.That(lags, Has.Count.EqualTo(49));
        Assert.That(lags[^1], Is.LessThanOrEqualTo(2), "all of them, so 99 of 100, too");
        AssertOneAfterAnother([.. sent.Select(static sent => sent.Piece.Torrent).Where(id => id != live.Torrent.Id)]);
    }

    [Test, SourceCase(24)]
    public async Task TorrentBehindAnEndlessRowOfSmallerOnes_IsSentBytesWithinElevenMinutes()
    {
        await using var world = new SourceWorld();
        world.Destination.Pace.BytesPerSecond = 4 * PieceLength;
        var small = 0;
        for (; small < 3; small++)
        {
            world.Client.Add(SourceWorld.Torrent($"s{small}", pieces: 8, seed: small));
        }

        world.Start();
        await world.PassUntilAsync(() => world.Destination.Link?.Sends > 1, Step);
        var large = world.Client.Add(SourceWorld.Torrent("large", pieces: 600, seed: 9999));
        var began = world.Time.GetUtcNow();
        var step = TimeSpan.FromMilliseconds(250);
        while (world.Destination.Link!.Sent.All(sent => sent.Piece.Torrent != large.Torrent.Id) && world.Time.GetUtcNow() - began < TimeSpan.FromMinutes(12))
        {
            // One more than the link carries meanwhile.
            world.Client.Add(SourceWorld.Torrent($"s{small}", pieces: 8, seed: small++));
            await world.PassAsync(TimeSpan.FromSeconds(2), step);
        }

        var first = world.Destination.Link.Sent.First(sent => sent.Piece.Torrent == large.Torrent.Id).At;
        Assert.That(first - began, Is.GreaterThan(TimeSpan.FromMinutes(9)).And.LessThanOrEqualTo(TimeSpan.FromMinutes(11)));
    }

    /// <summary>
    /// At most the one that follows begins before one is through: what the workers hold already. Of those that were opened at the same moment, in the
    /// beginning, the workers took pieces of whichever was ready first.
    /// </summary>
    private static void AssertOneAfterAnother(List<InfoHash> sent)
    {
        const int HeldInTheBeginning = 16;
        var order = sent.Distinct().ToList();
        var together = sent.Take(HeldInTheBeginning).Distinct().Count();
        for (var i = together; i + 2 < order.Count; i++)
        {
            Assert.That(sent.LastIndexOf(order[i]), Is.LessThan(sent.IndexOf(order[i + 2])), $"the {i}. is through before the {i + 2}. begins");
        }
    }
}
