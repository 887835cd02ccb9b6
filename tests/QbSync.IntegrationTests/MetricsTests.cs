using System.Text.RegularExpressions;

namespace QbSync.IntegrationTests;

/// <summary>METRICS.md against what both roles serve, and the laws between counters after a real sync.</summary>
internal sealed partial class MetricsTests
{
    private const int MiB = 1 << 20;

    [Test]
    public async Task Metrics_OfBothRolesAfterASync_AreThoseOfTheDocument()
    {
        await using var nodes = new TwoNodes();
        nodes.AddAtSource(new TorrentBuilder("one.bin") { Length = 3 * MiB + 5 }.Build());
        await nodes.StartAsync();
        await nodes.AllSyncedAsync(1);
        var documented = ReadDocument();

        // Some are there only from the first time on that there is something to say.
        var served = Enumerable.Empty<(string Name, string Type, string[] Labels)>().ToLookup(static family => family.Name);
        try
        {
            await Eventually.BecomesTrueAsync(async () =>
            {
                served = ReadFamilies((await TwoNodes.ScrapeAsync(nodes.Source.Registry)).Text, "source")
                    .Concat(ReadFamilies((await TwoNodes.ScrapeAsync(nodes.Destination.Registry)).Text, "destination"))
                    .ToLookup(static family => family.Name);
                return documented.Values.All(row => row.Client != "any" || served.Contains(row.Name));
            });
        }
        catch (TimeoutException)
        {
            // Which are not is said below.
        }

        Assert.Multiple(() =>
        {
            Assert.That(served.Select(family => family.Key).Except(documented.Keys), Is.Empty, "served, not in METRICS.md");
            Assert.That(documented.Values.Where(row => row.Client == "any").Select(row => row.Name).Except(served.Select(family => family.Key)), Is.Empty, "in METRICS.md, not served");
            foreach (var family in served.SelectMany(group => group))
            {
                var row = documented.GetValueOrDefault(family.Name);
                Assert.That(family.Type, Is.EqualTo(row?.Type), $"type of {family.Name}");
                Assert.That(family.Labels, Is.SubsetOf(row?.Labels ?? []), $"labels of {family.Name}");
            }
        });
    }

    [Test]
    public async Task Counters_AtRestAfterASync_ObeyTheirLaws()
    {
        await using var nodes = new TwoNodes();
        BuiltTorrent[] torrents =
        [
            new TorrentBuilder("a.bin") { Length = 20 * MiB, PieceLength = 64 * 1024, Seed = 1 }.Build(),
            new TorrentBuilder("b") { Seed = 2 }.AddFile("x", 5 * MiB + 1).AddFile("empty", 0).AddFile("y", 77).Build(),
        ];
        foreach (var torrent in torrents)
        {
            nodes.AddAtSource(torrent);
        }

        await nodes.StartAsync();
        await nodes.AllSyncedAsync(torrents.Length);
        foreach (var torrent in torrents)
        {
            Assert.That(torrent.FindDifference(nodes.DestinationData), Is.Null);
        }

        // At rest: what is counted after a torrent is told as finished has been counted, and a counter never goes back.
        await Eventually.BecomesTrueAsync(async () => (await TwoNodes.ScrapeAsync(nodes.Source.Registry)).Sum("qbsync_inflight_pieces") == 0
            && (await TwoNodes.ScrapeAsync(nodes.Source.Registry)).Sum("qbsync_torrents_synced_total") == torrents.Length
            && (await TwoNodes.ScrapeAsync(nodes.Destination.Registry)).Sum("qbsync_torrents_synced_total") == torrents.Length
            && (await TwoNodes.ScrapeAsync(nodes.Destination.Registry)).Sum("qbsync_finalization_duration_seconds_count") >= torrents.Length);
        var source = await TwoNodes.ScrapeAsync(nodes.Source.Registry);
        var destination = await TwoNodes.ScrapeAsync(nodes.Destination.Registry);
        var pieces = torrents.Sum(torrent => torrent.Manifest.PieceCount);
        Assert.Multiple(() =>
        {
            Assert.That(source.Sum("qbsync_pieces_sent_total"), Is.EqualTo(pieces), "each piece is sent once");
            Assert.That(source.Sum("qbsync_pieces_acked_total"), Is.EqualTo(pieces));
            Assert.That(source.Sum("qbsync_inflight_pieces"), Is.Zero);
            Assert.That(source.Sum("qbsync_piece_rtt_seconds_count"), Is.EqualTo(source.Sum("qbsync_pieces_acked_total")), "L2");
            Assert.That(source.Sum("qbsync_piece_send_duration_seconds_count"), Is.EqualTo(source.Sum("qbsync_pieces_sent_total")), "L2");
            Assert.That(destination.Sum("qbsync_piece_write_duration_seconds_count"), Is.EqualTo(destination.Sum("qbsync_pieces_received_total")), "L3");
            Assert.That(source.Sum("qbsync_bytes_sent_total"), Is.EqualTo(destination.Sum("qbsync_bytes_received_total")), "L4");
            Assert.That(source.Sum("qbsync_torrents_synced_total"), Is.EqualTo(torrents.Length));
            Assert.That(destination.Sum("qbsync_torrents_synced_total"), Is.EqualTo(torrents.Length));
            Assert.That(source.Sum("qbsync_torrent_bytes_synced_total"), Is.EqualTo(torrents.Sum(torrent => torrent.Manifest.ContentLength)));
            Assert.That(destination.Sum("qbsync_finalization_duration_seconds_count", "result=\"success\""), Is.EqualTo(torrents.Length), "L5");
        });
    }

    private static IEnumerable<(string Name, string Type, string[] Labels)> ReadFamilies(string text, string role)
    {
        var lines = text.Split('\n');
        foreach (var line in lines.Where(line => line.StartsWith("# TYPE qbsync_", StringComparison.Ordinal)))
        {
            var (name, type) = (line.Split(' ')[2], line.Split(' ')[3]);
            var sample = lines.FirstOrDefault(sample => sample.StartsWith(name, StringComparison.Ordinal)
                && (sample[name.Length] is '{' or ' ' || (type == "histogram" && sample.StartsWith(name + "_count", StringComparison.Ordinal)))) ?? "";
            var labels = Label().Matches(sample).Select(match => match.Groups[1].Value).ToArray();
            Assert.That(lines.Where(other => other.StartsWith(name + "{", StringComparison.Ordinal) && other.Contains("mode=", StringComparison.Ordinal)), Has.All.Contains($"mode=\"{role}\""));
            yield return (name, type, labels);
        }
    }

    private static Dictionary<string, Row> ReadDocument()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder!.FullName, "METRICS.md")))
        {
            folder = folder.Parent;
        }

        var rows = new Dictionary<string, Row>();
        foreach (var line in File.ReadLines(Path.Combine(folder.FullName, "METRICS.md")).Where(line => line.StartsWith("| `qbsync_", StringComparison.Ordinal)))
        {
            var cells = line.Split('|', StringSplitOptions.TrimEntries);
            var name = cells[1].Trim('`');
            rows.Add(name, new Row(name, cells[2], [.. cells[3].Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries).Select(label => label.Trim('`'))], cells[5]));
        }

        return rows;
    }

    private sealed record Row(string Name, string Type, string[] Labels, string Client);

    [GeneratedRegex("([a-z_]+)=\"")]
    private static partial Regex Label();
}
