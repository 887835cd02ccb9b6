using QbSync.Testing.Specifications;

namespace QbSync.ClientTests;

/// <summary>The source as a process that dies at random moments while it hands torrents over.</summary>
[Category("Real")]
[Parallelizable(ParallelScope.All)]
internal sealed class SourceKillTests
{
    private static readonly string[] HandOver =
        ["--handoff", "seeded", "--min-seeding-time", "0s", "--delete-grace", "0s", "--sleep", "1s", "--qb-poll-interval", "200ms", "--reconnect-max-delay", "1s"];

    [SourceCase(89)]
    [TestCase(2, 2)]
    [TestCase(50, 40, Category = "Long")]
    public async Task Source_KilledAgainAndAgainWhileItHandsOver_OneSideSeedsAndNothingIsLost(int kills, int count)
    {
        var seed = Random.Shared.Next(1, 1_000_000);
        TestContext.Out.WriteLine($"seed {seed}");
        var random = new Random(seed);
        await using var tracker = new LocalTracker();
        await using var lab = await ClientLab.StartAsync();
        var torrents = new List<BuiltTorrent>();
        for (var i = 0; i < count; i++)
        {
            torrents.Add(new TorrentBuilder($"killed {i:00}") { Seed = 800 + i, Tracker = tracker.Url }.AddFile("a.bin", 200_000 + i).AddFile("b.bin", 100_000).Build());
            await ClientLab.SeedAsync(lab.Source, lab.SourceClient, torrents[i]);
        }

        lab.StartDestination("--poll-interval", "200ms");
        for (var kill = 0; kill < kills; kill++)
        {
            // It takes a second to start; a handover takes about ten.
            var source = lab.StartSource(HandOver);
            var moment = TimeSpan.FromSeconds(1 + (random.NextDouble() * 9));
            var began = TimeProvider.System.GetTimestamp();
            await Eventually.BecomesTrueAsync(() => TimeProvider.System.GetElapsedTime(began) >= moment);
            Assert.That(source.HasExited, Is.False, source.Output);
            await source.KillAsync();
            TestContext.Out.WriteLine($"{moment.TotalSeconds:0.0} s: {string.Join(", ", await DescribeAsync())}");
            foreach (var torrent in torrents)
            {
                tracker.AssertExclusive(torrent);
                if (await lab.SourceClient.FindAsync(torrent.Manifest.V1, torrent.Manifest.V2, CancellationToken.None) is null)
                {
                    Assert.That(torrent.FindDifference(lab.Destination.SavePath), Is.Null, "what is gone here is whole there");
                }
            }
        }

        var last = lab.StartSource(HandOver);
        try
        {
            await Eventually.BecomesTrueAsync(HaveAllLeftAsync, TimeSpan.FromSeconds(180 + (10 * count)), "every torrent has left, and is active there");
        }
        catch (TimeoutException late)
        {
            Assert.Fail($"{late.Message}\n{string.Join('\n', await DescribeAsync())}\n{last.Output}");
        }

        foreach (var torrent in torrents)
        {
            await tracker.AssertComesToAsync(lab.Destination.PeerAddress.Port, torrent);
            tracker.AssertExclusive(torrent);
            Assert.That(torrent.FindDifference(lab.Destination.SavePath), Is.Null);
            await Eventually.BecomesTrueAsync(() => !Path.Exists(Path.Combine(lab.Source.SavePath, torrent.Name)));
        }

        async Task<bool> HaveAllLeftAsync()
        {
            foreach (var torrent in torrents)
            {
                if (await lab.SourceClient.FindAsync(torrent.Manifest.V1, torrent.Manifest.V2, CancellationToken.None) is not null
                    || await lab.DestinationClient.FindAsync(torrent.Manifest.V1, torrent.Manifest.V2, CancellationToken.None) is not { IsActive: true } there
                    || !there.Tags.Contains("source-removed"))
                {
                    return false;
                }
            }

            return true;
        }

        async Task<IEnumerable<string>> DescribeAsync()
        {
            var shown = new List<string>();
            foreach (var torrent in torrents)
            {
                var here = await lab.SourceClient.FindAsync(torrent.Manifest.V1, torrent.Manifest.V2, CancellationToken.None);
                var there = await lab.DestinationClient.FindAsync(torrent.Manifest.V1, torrent.Manifest.V2, CancellationToken.None);
                shown.Add($"{here?.RawState ?? "gone"}/{there?.RawState ?? "none"}");
            }

            return shown.GroupBy(static state => state).Select(static group => $"{group.Count()} x {group.Key}");
        }
    }
}
