using Prometheus;
using QbSync.Engine.Destination;
using QbSync.Engine.Source;
using QbSync.Testing.Logging;
using QbSync.Testing.Metrics;
using QbSync.Testing.Specifications;
using QbSync.Torrents;

namespace QbSync.Engine.Tests.Metrics;

/// <summary>Series of torrents and gauges of an engine, from the snapshots that it publishes.</summary>
[TestFixture]
internal sealed class EngineMetricsTests
{
    private static readonly DateTimeOffset Now = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);

    [Test]
    [MetricCase("Q8"), MetricCase("A28")]
    public async Task ManyTorrents_ThoseTrackedLongestHaveSeries_OthersCountOnce()
    {
        using var rig = new Rig(new SeriesLimits());
        for (var i = 0; i < 3000; i++)
        {
            rig.Metrics.TorrentSynced(Id(100_000 + i), $"done {i}", 1, Now, TimeSpan.FromSeconds(1));
        }

        // Told in an order that is not theirs.
        rig.Publish([.. Enumerable.Range(0, 5000).OrderBy(static i => i * 7919 % 5000).Select(static i => Live(i) with { TrackedSince = Now.AddSeconds(i) })]);
        for (var scrapes = 0; scrapes < 3; scrapes++)
        {
            var seen = await rig.ScrapeAsync();
            Assert.That(seen.Find("qbsync_torrent_pieces").Select(static sample => sample.Labels["hash"]), Is.EquivalentTo(Enumerable.Range(0, 1000).Select(static i => $"{Id(i)}")));
            Assert.That(seen.Find("qbsync_torrents_synced_total").Select(static sample => sample.Labels["name"]), Is.EquivalentTo(Enumerable.Range(2000, 1000).Select(static i => $"done {i}")));
            Assert.That(seen.Find("qbsync_torrent_bytes_synced_total").Count(), Is.EqualTo(1000));
            Assert.That(seen.Find("qbsync_torrent_synced_timestamp_seconds").Count(), Is.EqualTo(1000));
            Assert.That(seen.Sum("qbsync_metrics_series_dropped_total", ("family", "live")), Is.EqualTo(4000));
            Assert.That(seen.Sum("qbsync_metrics_series_dropped_total", ("family", "finished")), Is.EqualTo(2000));
            Assert.That(seen.Sum("qbsync_sync_outcomes_total", ("result", "success")), Is.EqualTo(3000), "a sum that no limit cuts");
        }
    }

    [Test]
    [MetricCase("Q8"), MetricCase("A28")]
    public async Task PlaceThatGetsFree_GoesToWhoIsTrackedLongest_AndKeepsItsHolder()
    {
        using var rig = new Rig(new SeriesLimits(Live: 2));
        var (a, b, c, d) = (Live(1), Live(2), Live(3) with { TrackedSince = Now.AddSeconds(3) }, Live(4) with { TrackedSince = Now.AddSeconds(2) });
        rig.Publish(a, b);
        await rig.ScrapeAsync();
        rig.Publish(c, d, a, b);
        Assert.That(await rig.ShownAsync(), Is.EquivalentTo(new[] { $"{a.Id}", $"{b.Id}" }));

        rig.Publish(c, d, b);

        Assert.That(await rig.ShownAsync(), Is.EquivalentTo(new[] { $"{d.Id}", $"{b.Id}" }));
        Assert.That((await rig.ScrapeAsync()).Sum("qbsync_metrics_series_dropped_total", ("family", "live")), Is.EqualTo(2));
    }

    [Test]
    [MetricCase("Q8"), MetricCase("A28")]
    public async Task Limits_OfNone_HaveNoSeriesAndCount()
    {
        using var rig = new Rig(new SeriesLimits(Live: 0, Finished: 0));
        rig.Metrics.TorrentSynced(Id(1), "a", 5, Now, TimeSpan.Zero);
        rig.Publish(Live(2));

        var seen = await rig.ScrapeAsync();

        Assert.That(seen.Has("qbsync_torrents_synced_total") || seen.Has("qbsync_torrent_bytes_synced_total")
            || seen.Has("qbsync_torrent_synced_timestamp_seconds") || seen.Has("qbsync_torrent_pieces"), Is.False);
        Assert.That(seen.Sum("qbsync_metrics_series_dropped_total"), Is.EqualTo(2));
    }

    [Test]
    [MetricCase("Q8")]
    public async Task Names_ThatAreNoLabels_GiveOneSeriesAHash()
    {
        using var rig = new Rig(new SeriesLimits());
        string[] names = ["\"quoted\"", "back\\slash", "new\nline", "lone \ud83d half", "\ud83d\ude00 whole", new string('x', 10_000), "", "a\u202eb\u0000c"];
        rig.Publish([.. names.Select(static (name, i) => Live(i) with { Name = name })]);

        var seen = await rig.ScrapeAsync();

        Assert.That(
            seen.Find("qbsync_torrent_pieces").OrderBy(static sample => sample.Labels["hash"], StringComparer.Ordinal).Select(static sample => sample.Labels["name"]),
            Is.EqualTo(new[]
            {
                "\"quoted\"", "back\\slash", "new_line", "lone _ half", "\ud83d\ude00 whole", new string('x', 200), $"{Id(6)}", "a_b_c",
            }));
    }

    [Test]
    [MetricCase("Q8")]
    public async Task Names_Unwanted_AreTheBeginOfTheHash()
    {
        using var rig = new Rig(new SeriesLimits(HasNames: false));
        rig.Publish(Live(1) with { Name = "secret" });

        Assert.That((await rig.ScrapeAsync()).Find("qbsync_torrent_pieces").Single().Labels["name"], Is.EqualTo($"{Id(1)}"[..8]));
    }

    [Test]
    [MetricCase("G11"), MetricCase("G12"), MetricCase("G13"), MetricCase("G14"), MetricCase("A05")]
    public async Task Live_Synced_StaysForAMinuteAtItsEnd_AndWaitsForNothing()
    {
        using var rig = new Rig(new SeriesLimits());
        rig.Publish(Live(1) with { PendingSince = Now.AddSeconds(-60), Pieces = 40, PiecesDone = 15, Bytes = 999 });
        var seen = await rig.ScrapeAsync();
        Assert.That(seen.Sum("qbsync_oldest_pending_sync_seconds"), Is.EqualTo(60));
        Assert.That((seen.Sum("qbsync_torrent_pieces"), seen.Sum("qbsync_torrent_pieces_streamed"), seen.Sum("qbsync_torrent_size_bytes")), Is.EqualTo((40, 15, 999)));
        Assert.That(seen.Sum("qbsync_torrent_progress_ratio"), Is.EqualTo(0.375));

        var ended = Live(1) with { IsLive = false, State = TorrentSyncState.Synced, SyncedAt = Now, Pieces = 40, PiecesDone = 40 };
        rig.Publish(Now.AddSeconds(59), ended);
        for (var scrapers = 0; scrapers < 2; scrapers++)
        {
            seen = await rig.ScrapeAsync();
            Assert.That(seen.Sum("qbsync_torrent_pieces_streamed"), Is.EqualTo(40));
            Assert.That(seen.Sum("qbsync_torrent_progress_ratio"), Is.EqualTo(1));
            Assert.That(seen.Has("qbsync_oldest_pending_sync_seconds"), Is.False);
        }

        rig.Publish(Now.AddSeconds(60), ended);
        Assert.That(await rig.ShownAsync(), Is.Empty);
    }

    [Test]
    [MetricCase("G11")]
    public async Task Pending_ClockSetBack_IsNeverNegative_AndFailedOnesAreGone()
    {
        using var rig = new Rig(new SeriesLimits());
        rig.Publish(Live(1) with { PendingSince = Now.AddSeconds(5) }, Live(2));
        var seen = await rig.ScrapeAsync();
        Assert.That(seen.Find("qbsync_oldest_pending_sync_seconds").Single().Value, Is.Zero, "one that downloads has none");

        rig.Publish(Live(1) with { IsLive = false, State = TorrentSyncState.Failed }, Live(2) with { IsLive = false, State = TorrentSyncState.Excluded });
        Assert.That(await rig.ShownAsync(), Is.Empty);
    }

    [Test]
    [MetricCase("A05")]
    public async Task Progress_OfNoPieces_IsWhole()
    {
        using var rig = new Rig(new SeriesLimits());
        rig.Publish(Live(1) with { Pieces = 0, PiecesDone = 0 });

        Assert.That((await rig.ScrapeAsync()).Sum("qbsync_torrent_progress_ratio"), Is.EqualTo(1));
    }

    [Test]
    [MetricCase("A06"), MetricCase("H08")]
    public async Task Synced_SaysWhen_HoweverLateTheScrape()
    {
        using var rig = new Rig(new SeriesLimits());
        rig.Metrics.TorrentSynced(Id(1), "a", 5, Now, TimeSpan.FromSeconds(40));
        rig.Publish(Now.AddHours(1));

        var seen = await rig.ScrapeAsync();

        Assert.That(seen.Sum("qbsync_torrent_synced_timestamp_seconds"), Is.EqualTo(Now.ToUnixTimeSeconds()));
        Assert.That(seen.Sum("qbsync_torrent_sync_latency_seconds_bucket", ("le", "60")), Is.EqualTo(1));
        Assert.That(seen.Sum("qbsync_torrent_sync_latency_seconds_bucket", ("le", "30")), Is.Zero);
    }

    [Test]
    [MetricCase("A29")]
    public async Task Snapshot_Throws_ItsGaugesAreAbsentAndAllElseIsThere()
    {
        using var rig = new Rig(new SeriesLimits());
        rig.Publish(Live(1));
        rig.Metrics.TorrentSynced(Id(2), "done", 1, Now, TimeSpan.Zero);
        rig.Metrics.PollSkipped();
        rig.Metrics.SetDraining(true);
        Assert.That((await rig.ScrapeAsync()).Sum("qbsync_draining"), Is.EqualTo(1));

        rig.Fault = new InvalidOperationException("broken");
        for (var scrape = 1; scrape <= 2; scrape++)
        {
            var seen = await rig.ScrapeAsync();
            Assert.That(seen.Families.Values.Where(static family => family.Type == "gauge").Select(static family => family.Name), Is.Empty);
            Assert.That(seen.Sum("qbsync_metrics_collect_errors_total", ("owner", "engine")), Is.EqualTo(scrape));
            Assert.That(seen.Sum("qbsync_idle_poll_skips_total"), Is.EqualTo(1));
        }

        Assert.That(rig.Log.Entries.Count(static entry => entry.Id.Name == "NotReadable"), Is.EqualTo(1), "told once");
        rig.Fault = null;
        var after = await rig.ScrapeAsync();
        Assert.That((after.Sum("qbsync_draining"), after.Sum("qbsync_torrent_pieces")), Is.EqualTo((1, 8)));
        Assert.That(after.Sum("qbsync_torrent_synced_timestamp_seconds"), Is.EqualTo(Now.ToUnixTimeSeconds()));
    }

    [Test]
    [MetricCase("Q9")]
    public async Task Scrapes_ManyAtOnceWhileTorrentsComeAndGo_LeaveNoneOfThoseThatWent()
    {
        using var rig = new Rig(new SeriesLimits());
        using var over = new CancellationTokenSource();
        var scrapers = Enumerable.Range(0, 8).Select(_ => Task.Run(async () =>
        {
            var scrapes = 0;
            do
            {
                await rig.ScrapeAsync();
                scrapes++;
            }
            while (!over.IsCancellationRequested);

            return scrapes;
        })).ToArray();
        for (var round = 0; round < 200; round++)
        {
            rig.Publish([.. Enumerable.Range(round * 5, 1000).Select(Live)]);
            rig.Metrics.TorrentSynced(Id(1_000_000 + round), "done", 1, Now, TimeSpan.Zero);
            await Task.Yield();
        }

        rig.Publish(Live(7));
        await over.CancelAsync();
        Assert.That(await Task.WhenAll(scrapers), Has.All.GreaterThan(0));

        Assert.That(await rig.ShownAsync(), Is.EqualTo(new[] { $"{Id(7)}" }));
        Assert.That((await rig.ScrapeAsync()).Sum("qbsync_metrics_collect_errors_total"), Is.Zero);
    }

    [Test]
    [MetricCase("Q9")]
    public async Task Scrapes_ManyAtOnceAtTheLimit_CountEachThatGotNoPlaceOnce()
    {
        using var rig = new Rig(new SeriesLimits(Live: 10, Finished: 10));
        rig.Publish([.. Enumerable.Range(0, 10).Select(Live)]);
        await rig.ScrapeAsync();
        for (var round = 1; round <= 50; round++)
        {
            // The ten that are there stay; ten others come with each round and go with the next one.
            rig.Publish([.. Enumerable.Range(0, 10).Concat(Enumerable.Range(round * 10, 10)).Select(Live)]);
            await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Task.Run(rig.ScrapeAsync)));
            for (var done = 0; done < 2; done++)
            {
                rig.Metrics.TorrentSynced(Id(1_000_000 + (round * 2) + done), "done", 1, Now, TimeSpan.Zero);
            }
        }

        var seen = await rig.ScrapeAsync();
        Assert.That(seen.Sum("qbsync_metrics_series_dropped_total", ("family", "live")), Is.EqualTo(500));
        Assert.That(seen.Sum("qbsync_metrics_series_dropped_total", ("family", "finished")), Is.EqualTo(90));
        Assert.That(await rig.ShownAsync(), Is.EquivalentTo(Enumerable.Range(0, 10).Select(static i => $"{Id(i)}")));
        Assert.That(seen.Find("qbsync_torrents_synced_total").Select(static sample => sample.Labels["hash"]), Is.EquivalentTo(Enumerable.Range(92, 10).Select(static i => $"{Id(1_000_000 + i)}")));
    }

    [Test]
    [MetricCase("Q8"), MetricCase("A06")]
    public async Task Synced_Again_IsTheYoungest_UnderTheNameOfItsBirth()
    {
        using var rig = new Rig(new SeriesLimits(Finished: 2));
        rig.Metrics.TorrentSynced(Id(1), "one", 5, Now, TimeSpan.Zero);
        rig.Metrics.TorrentSynced(Id(2), "two", 5, Now, TimeSpan.Zero);
        rig.Metrics.TorrentSynced(Id(1), "renamed", 3, Now.AddMinutes(1), TimeSpan.Zero);
        rig.Metrics.TorrentSynced(Id(3), "three", 5, Now, TimeSpan.Zero);

        var seen = await rig.ScrapeAsync();

        Assert.That(seen.Find("qbsync_torrents_synced_total").Select(static sample => (sample.Labels["name"], sample.Value)), Is.EquivalentTo(new[] { ("one", 2.0), ("three", 1.0) }));
        Assert.That(seen.Find("qbsync_torrent_bytes_synced_total").Select(static sample => (sample.Labels["name"], sample.Value)), Is.EquivalentTo(new[] { ("one", 8.0), ("three", 5.0) }));
        Assert.That(seen.Sum("qbsync_torrent_synced_timestamp_seconds", ("name", "one")), Is.EqualTo(Now.AddMinutes(1).ToUnixTimeSeconds()));
        Assert.That(seen.Sum("qbsync_metrics_series_dropped_total"), Is.EqualTo(1));
    }

    [Test]
    [MetricCase("A12"), MetricCase("A13"), MetricCase("A16"), MetricCase("A17"), MetricCase("A18"), MetricCase("A25"), MetricCase("A26"), MetricCase("G01"), MetricCase("G10"), MetricCase("G15"), MetricCase("G21")]
    public async Task Gauges_OfTheSource_AreThoseOfItsReport()
    {
        using var rig = new Rig(new SeriesLimits());
        var states = new int[Enum.GetValues<TorrentSyncState>().Length];
        states[(int)TorrentSyncState.HandingOff] = 3;
        rig.Metrics.PublishHandoffs(static () => TimeSpan.FromSeconds(90), static () => 2);
        rig.Report = new SourceReport(
            [
                Live(1) with { State = TorrentSyncState.Initializing, BacklogBytes = 5 }, Live(2) with { BacklogBytes = 6 },
                Live(3) with { State = TorrentSyncState.Finalizing }, Live(4) with { State = TorrentSyncState.Discovered },
            ],
            states,
            4,
            5,
            Now)
        {
            DeletableBytes = 77,
            FreeBytes = new Dictionary<string, long?> { ["/a"] = 12, ["/b"] = null },
        };

        var seen = await rig.ScrapeAsync();

        Assert.Multiple(() =>
        {
            Assert.That(seen.Sum("qbsync_active_torrents", ("mode", "source")), Is.EqualTo(3));
            Assert.That(seen.Sum("qbsync_active_finalization_backoffs"), Is.EqualTo(4));
            Assert.That(seen.Sum("qbsync_completed_on_dest_cache_size"), Is.EqualTo(5));
            Assert.That(seen.Sum("qbsync_sender_workers_configured"), Is.EqualTo(7));
            Assert.That(seen.Sum("qbsync_backlog_bytes"), Is.EqualTo(11));
            Assert.That(seen.Sum("qbsync_deletable_bytes"), Is.EqualTo(77));
            Assert.That(seen.Sum("qbsync_handoff_overdue_seconds"), Is.EqualTo(90));
            Assert.That(seen.Sum("qbsync_double_seeding_torrents"), Is.EqualTo(2));
            Assert.That(seen.Sum("qbsync_torrents", ("state", "handing_off")), Is.EqualTo(3));
            Assert.That(seen.Sum("qbsync_min_free_space_bytes"), Is.EqualTo(99));
            Assert.That(seen.Find("qbsync_free_space_bytes").Single(), Has.Property("Value").EqualTo(12).And.Property("Labels").ContainKey("root").WithValue("/a"));
        });

        rig.Metrics.Retire();
        seen = await rig.ScrapeAsync();
        Assert.That(seen.Has("qbsync_free_space_bytes") || seen.Has("qbsync_torrent_pieces"), Is.False, "an owner that is gone");
        Assert.That(seen.Sum("qbsync_torrents") + seen.Sum("qbsync_active_torrents") + seen.Sum("qbsync_handoff_overdue_seconds"), Is.Zero);
    }

    [Test]
    [MetricCase("A18"), MetricCase("A23"), MetricCase("A25"), MetricCase("A26"), MetricCase("G01")]
    public async Task Gauges_OfTheDestination_AreThoseOfItsSnapshot()
    {
        using var rig = new Rig(new SeriesLimits(), "destination");
        var states = new int[Enum.GetValues<TorrentSessionState>().Length];
        states[(int)TorrentSessionState.Receiving - 1] = 4;
        var gauges = new DestinationGauges(states, 4, 3, "/data", 100, 10);
        rig.Metrics.ReadDestination(() => gauges);

        var seen = await rig.ScrapeAsync();

        Assert.That(seen.Sum("qbsync_torrents", ("mode", "destination"), ("state", "receiving")), Is.EqualTo(4));
        Assert.That(seen.Sum("qbsync_active_torrents"), Is.EqualTo(4));
        Assert.That(seen.Sum("qbsync_finalization_queue_depth"), Is.EqualTo(3));
        Assert.That((seen.Sum("qbsync_free_space_bytes"), seen.Sum("qbsync_min_free_space_bytes")), Is.EqualTo((100, 10)));

        rig.Metrics.Retire();
        var after = await rig.ScrapeAsync();
        Assert.That(after.Sum("qbsync_torrents") + after.Sum("qbsync_active_torrents") + after.Sum("qbsync_finalization_queue_depth"), Is.Zero);
    }

    [Test]
    [MetricCase("A25")]
    public async Task FreeSpace_ThatIsNotKnown_IsAbsent()
    {
        using var rig = new Rig(new SeriesLimits(), "destination");
        var gauges = new DestinationGauges(new int[Enum.GetValues<TorrentSessionState>().Length], 0, 0, "/data", 100, 10);
        rig.Metrics.ReadDestination(() => gauges);
        Assert.That((await rig.ScrapeAsync()).Sum("qbsync_free_space_bytes"), Is.EqualTo(100));

        gauges = gauges with { FreeBytes = null };
        Assert.That((await rig.ScrapeAsync()).Has("qbsync_free_space_bytes"), Is.False, "unknown is not 0");
    }

    private static InfoHash Id(int number) => InfoHash.Parse($"{number:x40}");

    private static SourceReport.Torrent Live(int number) => new(Id(number), $"torrent {number}", TorrentSyncState.Streaming, true, 8, 4, 1000) { TrackedSince = Now };

    private sealed class Rig : IDisposable
    {
        private readonly CollectorRegistry _registry = Prometheus.Metrics.NewCustomRegistry();

        public Rig(SeriesLimits limits, string mode = "source")
        {
            Metrics = new EngineMetrics(Prometheus.Metrics.WithCustomRegistry(_registry), _registry, mode, limits, Log);
            if (mode == "source")
            {
                Metrics.PublishSource(() => Fault is null ? Report : throw Fault, static () => 0, new SourceOptions { NumSenders = 7, MinSpace = 99 });
            }
        }

        public EngineMetrics Metrics { get; }

        public LogErrorGuard Log { get; } = new();

        public Exception? Fault { get; set; }

        public SourceReport Report { get; set; } = SourceReport.Empty;

        public void Publish(params SourceReport.Torrent[] torrents) => Publish(Now, torrents);

        public void Publish(DateTimeOffset at, params SourceReport.Torrent[] torrents) => Report = new SourceReport(torrents, [], 0, 0, at);

        public async Task<Exposition> ScrapeAsync()
        {
            using var text = new MemoryStream();
            await MovedSeries.CollectAsync(_registry, text);
            return Exposition.Parse(System.Text.Encoding.UTF8.GetString(text.ToArray()));
        }

        public async Task<string[]> ShownAsync() => [.. (await ScrapeAsync()).Find("qbsync_torrent_pieces").Select(static sample => sample.Labels["hash"])];

        public void Dispose() => Log.Verify();
    }
}
