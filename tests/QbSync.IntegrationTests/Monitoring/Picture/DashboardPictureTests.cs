using System.Globalization;
using System.Xml.Linq;
using QbSync.Testing.Monitoring;

namespace QbSync.IntegrationTests.Monitoring.Picture;

/// <summary>
/// Draws the dashboard as it looks over a real run. <c>deploy/grafana/picture.sh</c> has it draw a longer run for the docs:
/// QBSYNC_PICTURE says where to, QBSYNC_PICTURE_SECONDS for how long.
/// </summary>
[Category("Long")]
internal sealed class DashboardPictureTests
{
    private const int PieceLength = 256 * 1024;
    private static readonly (string File, string[] Rows)[] Pictures =
    [
        ("dashboard", ["Now", "Torrents"]),
        ("dashboard-link", ["Link", "Destination"]),
        ("dashboard-safety", ["Safety", "Client and process"]),
    ];

    private readonly Random _random = new(7);

    [Test]
    public async Task Dashboard_OverARun_IsDrawn()
    {
        var length = TimeSpan.FromSeconds(int.Parse(Environment.GetEnvironmentVariable("QBSYNC_PICTURE_SECONDS") ?? "30", CultureInfo.InvariantCulture));
        using var own = new TempDirectory();
        var folder = Environment.GetEnvironmentVariable("QBSYNC_PICTURE") is { Length: > 0 } given ? given : own.Path;
        Directory.CreateDirectory(folder);
        await using var nodes = await MonitoredNodes.StartAsync(("rate-limit", "6MiB/s"));
        var from = DateTimeOffset.UtcNow;
        await LiveAsync(nodes, length);
        var until = DateTimeOffset.UtcNow;
        var panels = DashboardFile.ReadPanels(Path.Combine(MonitoredNodes.Root, "deploy/grafana/qbsync.json"));
        foreach (var (file, rows) in Pictures)
        {
            List<Frame> frames = [];
            foreach (var panel in panels.Where(panel => rows.Contains(panel.Row)))
            {
                frames.Add(await Frame.AskAsync(nodes.Prometheus, panel, from, until));
            }

            // Where this machine has its temporary files is of no interest.
            var drawn = PanelDrawing.Draw(frames, nodes.Folder);
            Assert.That(() => XDocument.Parse(drawn), Throws.Nothing);
            await File.WriteAllTextAsync(Path.Combine(folder, file + ".svg"), drawn);
        }
    }

    /// <summary>What goes on meanwhile: torrents that are whole, torrents that still download, a damaged byte now and then, and the handoff of what is done.</summary>
    private async Task LiveAsync(MonitoredNodes nodes, TimeSpan length)
    {
        var waiting = new Queue<BuiltTorrent>(
        [
            Make("Sintel (2010) 4K", 48, 1), Make("Tears of Steel (2012)", 36, 2), Make("Big Buck Bunny 60 fps", 60, 3), Make("Cosmos Laundromat", 40, 4),
            Make("Elephants Dream", 44, 5), Make("Spring (2019)", 56, 6), Make("Agent 327", 52, 7), Make("Sprite Fright", 64, 8),
        ]);
        List<(BuiltTorrent Torrent, Queue<int> Pieces)> downloads = [Download(nodes, "openstreetmap planet extract", 210, 20), Download(nodes, "wikipedia-en.zim", 150, 21)];
        nodes.AddWhole(waiting.Dequeue());
        using var second = new PeriodicTimer(TimeSpan.FromSeconds(1));
        for (var tick = 1; tick < length.TotalSeconds && await second.WaitForNextTickAsync(); tick++)
        {
            foreach (var (torrent, pieces) in downloads)
            {
                var arrived = Enumerable.Range(0, Math.Min(pieces.Count, 1 + _random.Next(4))).Select(_ => pieces.Dequeue()).ToList();
                if (arrived.Count > 0)
                {
                    nodes.Arrive(torrent, arrived);
                }
            }

            if (tick % 25 == 0 && waiting.TryDequeue(out var next))
            {
                nodes.AddWhole(next);
                if (tick % 50 == 0)
                {
                    nodes.Relay.FlipNext(next);
                }
            }
        }
    }

    private (BuiltTorrent Torrent, Queue<int> Pieces) Download(MonitoredNodes nodes, string name, int size, int seed)
    {
        var torrent = Make(name, size, seed);
        nodes.AddDownloading(torrent);
        var order = Enumerable.Range(0, torrent.Manifest.PieceCount).ToArray();
        _random.Shuffle(order);
        return (torrent, new Queue<int>(order));
    }

    private static BuiltTorrent Make(string name, int megabytes, int seed) =>
        new TorrentBuilder(name) { Length = megabytes * 1_000_000L, PieceLength = PieceLength, Seed = seed }.Build();
}
