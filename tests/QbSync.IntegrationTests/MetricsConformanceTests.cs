using QbSync.Outcomes;
using QbSync.Testing.Metrics;
using QbSync.Testing.Specifications;

namespace QbSync.IntegrationTests;

/// <summary>METRICS.md against what both roles serve over HTTP: before an engine runs, and after a sync.</summary>
internal sealed class MetricsConformanceTests
{
    private const int MostOfSource = 1500;
    private const int MostOfDestination = 800;

    private static readonly MetricsContract Contract = MetricsContract.Read();

    [Test]
    [MetricCase("Q1")]
    public void Contract_HasTheFamiliesOfTheReference() => Assert.Multiple(() =>
    {
        var contract = Contract.Promises.Where(promise => promise.Help is not null).ToList();
        Assert.That(contract.Select(promise => promise.Type).CountBy(type => type), Is.EquivalentTo(
            new KeyValuePair<string, int>[] { new("counter", 45), new("gauge", 22), new("histogram", 8) }));
        Assert.That(contract.Count(promise => promise.Roles.Contains("source")), Is.EqualTo(56));
        Assert.That(contract.Count(promise => promise.Roles.Contains("destination")), Is.EqualTo(32));
        Assert.That(Contract.Promises.Count - contract.Count, Is.EqualTo(36));
    });

    [Test]
    [MetricCase("Q1"), MetricCase("A01"), MetricCase("A29")]
    public async Task Metrics_BeforeAnEngineRuns_AreAllThereAtZero()
    {
        // Nobody answers there, and nobody is asked before the engines run.
        (string, string)[] client = [("client", "qbittorrent"), ("qb-url", "http://127.0.0.1:9")];
        await using var nodes = new TwoNodes();
        await nodes.OpenAsync(client, client);

        var source = await ReadAsync(nodes.Source.HealthAddress!);
        var destination = await ReadAsync(nodes.Destination.HealthAddress!);

        Assert.Multiple(() =>
        {
            Check(source, "source", hasClient: true);
            Check(destination, "destination", hasClient: true);
            Assert.That(source.Families.Values.SelectMany(Moved), Is.Empty, "moved before anything happened");
            Assert.That(destination.Families.Values.SelectMany(Moved), Is.Empty, "moved before anything happened");
            Assert.That(source.Series, Is.LessThanOrEqualTo(MostOfSource));
            Assert.That(destination.Series, Is.LessThanOrEqualTo(MostOfDestination));
        });
    }

    [Test]
    [MetricCase("Q1"), MetricCase("A01"), MetricCase("A06"), MetricCase("A02"), MetricCase("A18")]
    public async Task Metrics_AfterASync_AreThoseOfTheDocument()
    {
        await using var nodes = new TwoNodes();
        nodes.AddAtSource(new TorrentBuilder("one.bin") { Length = 3_000_005 }.Build());
        await nodes.StartAsync();
        await nodes.AllSyncedAsync(1);

        var source = await ReadAsync(nodes.Source.HealthAddress!);
        var destination = await ReadAsync(nodes.Destination.HealthAddress!);

        Assert.Multiple(() =>
        {
            Check(source, "source", hasClient: false);
            Check(destination, "destination", hasClient: false);
            Assert.That(source.Find("qbsync_build_info").Single().Value, Is.EqualTo(1));
            Assert.That(source.Sum("qbsync_sync_outcomes_total", ("result", "success")), Is.EqualTo(1));
            Assert.That(source.Sum("qbsync_torrents", ("state", "synced")), Is.EqualTo(1));
            Assert.That(source.Sum("qbsync_torrent_pieces_streamed"), Is.EqualTo(source.Sum("qbsync_torrent_pieces")).And.GreaterThan(0), "for a minute it is shown whole");
            Assert.That(source.Has("qbsync_oldest_pending_sync_seconds"), Is.False, "what is synced waits for nothing");
            Assert.That(source.Sum("qbsync_torrent_synced_timestamp_seconds"), Is.GreaterThan(1.7e9));
        });
    }

    private static async Task<Exposition> ReadAsync(Uri health)
    {
        using var http = new HttpClient();
        using var answer = await http.GetAsync(new Uri(health, "metrics"));
        Assert.That(answer.EnsureSuccessStatusCode().Content.Headers.ContentType?.ToString(), Does.StartWith("text/plain; version=0.0.4"));
        return Exposition.Parse(await answer.Content.ReadAsStringAsync());
    }

    private static void Check(Exposition served, string role, bool hasClient)
    {
        var promised = Contract.Of(role, hasClient).ToList();
        var families = served.Families.Values.Where(family => family.Name.StartsWith("qbsync_", StringComparison.Ordinal)).ToList();
        Assert.That(families.Select(family => family.Name).Except(promised.Select(promise => promise.Name)), Is.Empty, $"{role} serves what is not promised");
        Assert.That(Contract.FindMissing(role, hasClient, served), Is.Empty, $"{role} does not serve what is promised");
        foreach (var family in families)
        {
            var promise = promised.FirstOrDefault(promise => promise.Name == family.Name);
            Assert.That(family.Type, Is.EqualTo(promise?.Type), $"type of {family.Name}");
            Assert.That(family.Help, promise?.Help is { } help ? Is.EqualTo(help) : Is.Not.Empty, $"help of {family.Name}");
            Assert.That(family.Labels, Is.EquivalentTo(promise?.Labels ?? []), $"labels of {family.Name}");
            if (promise?.Bounds is { } bounds)
            {
                Assert.That((family.Bounds.First(), family.Bounds.Last()), Is.EqualTo(bounds), $"bounds of {family.Name}");
            }

            foreach (var label in family.Labels)
            {
                CheckValues(family, label, role, hasClient);
            }
        }
    }

    /// <summary>A label with closed values has all of them and no other.</summary>
    private static void CheckValues(MetricFamily family, string label, string role, bool hasClient)
    {
        var values = family.Samples.Select(sample => sample.Labels[label]).Distinct();
        var closed = (family.Name["qbsync_".Length..], label) switch
        {
            (_, "mode") => [role],
            (_, "component") => role == "source" ? hasClient ? ["qb_client", "stream_queue"] : ["stream_queue"] : (string[])["qb_client"],
            (_, "direction") => ["up", "down"],
            (_, "connection") when !family.Name.StartsWith("qbsync_tcp_", StringComparison.Ordinal) => [.. Enumerable.Range(0, 8).Select(slot => $"{slot}")],
            (_, "operation") => Names(typeof(QBittorrent.QBittorrentClient), "QbSync.QBittorrent.Pipeline.ApiOperation"),
            (_, "owner") => ["transport", "storage", "engine", "host", .. hasClient ? (string[])["qbittorrent"] : []],
            ("sync_outcomes_total", "result") => ["success", "failure", "aborted"],
            ("cleanup_groups_total", "result") => ["success", "failure", "skipped_seeding"],
            ("finalization_duration_seconds", "result") => ["success", "failure"],
            ("handoff_total", "result") => ["success", "rolled_back", "refused", "failure"],
            ("notifications_total", "result") => ["delivered", "refused", "failed", "dropped", "unsent"],
            (_, "channel") => ["webhook", "hook"],
            (_, "result") => ["hit", "miss"],
            ("receive_acks_exit_total", "reason") => ["context_cancel", "eof", "error", "ack_channel_blocked"],
            ("piece_read_errors_total", "reason") => ["missing", "short", "io", "hash_mismatch"],
            ("deletes_blocked_total", "reason") =>
                ["no_proof", "proof_stale", "destination_unreachable", "destination_not_seeding", "shared_files", "announce_refused"],
            ("client_state_violations_total", "kind") => ["active", "downloading", "missing_files", "errored"],
            ("qb_api_errors_total", "kind") => ["unauthorized", "banned", "not_found", "conflict", "transient", "permanent", "breaker_open"],
            ("metrics_series_dropped_total", "family") => role == "source" ? ["live", "finished"] : ["finished"],
            ("bytes_reused_total", "how") => ["hardlink", "adopted"],
            ("piece_rejections_total", "code") => [.. Enum.GetNames<PieceAckStatus>().Select(ToSnake).Except(["pending", "accepted", "held"])],
            ("torrents", "state") =>
            [
                .. Names(
                    typeof(Engine.SourceEngine),
                    role == "source" ? "QbSync.Engine.Source.TorrentSyncState" : "QbSync.Engine.Destination.TorrentSessionState").Select(ToSnake),
            ],
            _ => null,
        };
        if (closed is not null)
        {
            Assert.That(values, Is.EquivalentTo(closed), $"values of {label} of {family.Name}");
        }
    }

    /// <summary>Members of an enum that its package keeps to itself.</summary>
    private static string[] Names(Type neighbour, string name) => neighbour.Assembly.GetType(name, throwOnError: true)!.GetEnumNames();

    private static string ToSnake(string name) =>
        string.Concat(name.Select((c, i) => char.IsUpper(c) ? $"{(i > 0 ? "_" : "")}{char.ToLowerInvariant(c)}" : $"{c}"));

    /// <summary>Series of what counts that are not at 0.</summary>
    private static IEnumerable<string> Moved(MetricFamily family) =>
        family.Type == "gauge" || !family.Name.StartsWith("qbsync_", StringComparison.Ordinal) ? []
            : family.Samples.Where(sample => sample.Value != 0).Select(sample => $"{sample.Name} {string.Join(',', sample.Labels.Values)}");
}
