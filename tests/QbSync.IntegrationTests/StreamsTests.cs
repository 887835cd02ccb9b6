using System.Globalization;
using System.Text.RegularExpressions;
using QbSync.Testing.Specifications;

namespace QbSync.IntegrationTests;

/// <summary>How the source's workers and the link's streams go together.</summary>
internal sealed class StreamsTests
{
    [Test]
    [TransportCase(27)]
    public async Task Streams_MoreThanSenders_AllCarryPieces()
    {
        const int Streams = 8;
        await using var nodes = new TwoNodes();
        Add(0);

        // The limit makes each worker wait with its stream, so that no stream is free again before another was taken.
        await nodes.StartAsync(
            ("num-senders", "2"), ("min-connections", Streams.ToString(CultureInfo.InvariantCulture)), ("rate-limit", "4MiB/s"));

        // One stream may be long in opening; there is more to send until each has carried some.
        var added = 1;
        await nodes.AllSyncedAsync(added);
        while (await ListIdleAsync() is { Count: > 0 } idle)
        {
            Assert.That(added, Is.LessThan(10), () => $"connections {string.Join(", ", idle)} carried nothing");
            Add(added++);
            await nodes.AllSyncedAsync(added);
        }

        async Task<List<int>> ListIdleAsync()
        {
            var text = (await TwoNodes.ScrapeAsync(nodes.Source.Registry)).Text;
            return [.. Enumerable.Range(0, Streams).Where(slot => !Regex.IsMatch(text, $"qbsync_pieces_sent_total{{connection=\"{slot}\"}} [1-9]"))];
        }

        void Add(int number) => nodes.AddAtSource(new TorrentBuilder($"many {number}.bin") { Length = 16 << 20, PieceLength = 64 * 1024, Seed = number }.Build());
    }
}
