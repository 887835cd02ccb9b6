using System.Globalization;
using System.Text.RegularExpressions;

namespace QbSync.Testing.Metrics;

/// <summary>What METRICS.md promises: its first part is the contract, its last section what is added. Which role serves a family of the contract stands here.</summary>
internal sealed partial class MetricsContract
{
    /// <summary>Families of the contract that both roles serve.</summary>
    private static readonly string[] OfBoth =
    [
        "torrents_synced_total", "finalization_errors_total", "torrent_stop_errors_total", "qb_client_retries_total", "qb_api_calls_total",
        "circuit_breaker_trips_total", "tag_application_errors_total", "state_save_errors_total", "stream_open_errors_total", "health_check_cache_total",
        "active_torrents", "circuit_breaker_state", "qb_api_call_duration_seconds",
    ];

    /// <summary>Families of the contract that only a destination serves.</summary>
    private static readonly string[] OfDestination =
    [
        "orphan_cleanups_total", "pieces_received_total", "bytes_received_total", "hardlinks_created_total", "piece_hash_mismatch_total",
        "piece_write_errors_total", "file_sync_errors_total", "verification_errors_total", "hardlink_errors_total", "files_early_finalized_total",
        "early_finalize_verify_failures_total", "verification_recoveries_total", "torrents_with_dirty_state", "inode_registry_size",
        "write_worker_queue_depth", "write_workers_busy", "piece_write_duration_seconds", "finalization_duration_seconds", "state_flush_duration_seconds",
    ];

    /// <summary>A torrent's, or such as only come when something is known; all others are there from the start.</summary>
    private static readonly HashSet<string> MayBeAbsent =
    [
        "qbsync_torrents_synced_total", "qbsync_torrent_bytes_synced_total", "qbsync_torrent_synced_timestamp_seconds", "qbsync_torrent_pieces",
        "qbsync_torrent_pieces_streamed", "qbsync_torrent_size_bytes", "qbsync_torrent_progress_ratio", "qbsync_oldest_pending_sync_seconds",
        "qbsync_tcp_smoothed_rtt_seconds", "qbsync_tcp_congestion_info", "qbsync_free_space_bytes", "qbsync_certificate_expiry_timestamp_seconds",
    ];

    private MetricsContract(IReadOnlyList<Promise> promises) => Promises = promises;

    public IReadOnlyList<Promise> Promises { get; }

    /// <summary>Reads the document.</summary>
    public static MetricsContract Read()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder!.FullName, "METRICS.md")))
        {
            folder = folder.Parent;
        }

        List<Promise> promises = [];
        var section = "";
        foreach (var line in File.ReadLines(Path.Combine(folder.FullName, "METRICS.md")))
        {
            section = line.StartsWith("## ", StringComparison.Ordinal) ? line[3..] : section;
            var cells = line.Split('|', StringSplitOptions.TrimEntries);
            if (line.StartsWith("| `qbsync_", StringComparison.Ordinal) && MakePromise(section, cells) is { } promise)
            {
                promises.Add(promise);
            }
        }

        return new MetricsContract(promises);
    }

    /// <summary>The families of a role.</summary>
    public IEnumerable<Promise> Of(string role) => Promises.Where(promise => promise.Roles.Contains(role));

    /// <summary>The families of a role.</summary>
    /// <param name="hasClient">Whether its client is a qBittorrent.</param>
    public IEnumerable<Promise> Of(string role, bool hasClient) => Of(role).Where(promise => hasClient || !IsOfClient(promise.Name, role));

    /// <summary>Families that a role has to serve as long as it serves anything, and that a scrape lacks.</summary>
    public IEnumerable<string> FindMissing(string role, bool hasClient, Exposition served) =>
        Of(role, hasClient).Select(static promise => promise.Name).Where(name => !MayBeAbsent.Contains(name) && !served.Has(name));

    /// <summary>Series of a scrape that stay, once they are there.</summary>
    public static IEnumerable<string> ListLasting(Exposition scrape) => scrape.Families.Values
        .Where(static family => family.Name.StartsWith("qbsync_", StringComparison.Ordinal) && !MayBeAbsent.Contains(family.Name))
        .SelectMany(static family => family.Samples)
        .Select(static sample => $"{sample.Name} {string.Join(',', sample.Labels.OrderBy(static label => label.Key, StringComparer.Ordinal))}");

    /// <summary>Whether a family is that of a qBittorrent: at a destination, so is the breaker.</summary>
    private static bool IsOfClient(string name, string role) => name.StartsWith("qbsync_qb_", StringComparison.Ordinal)
        || (role == "destination" && name.StartsWith("qbsync_circuit_breaker_", StringComparison.Ordinal));

    private static Promise? MakePromise(string section, string[] cells) => section switch
    {
        "Counters" => Contract(cells, "counter", cells[3]),
        "Gauges" => Contract(cells, "gauge", cells[3]),
        "Histograms" => Contract(cells, "histogram", cells[4]) with { Bounds = BoundsOf(cells[3]) },
        "Additional metrics" => new Promise(Code(cells[1]), cells[2], Labels(cells[3]), null, cells[4]),
        _ => null,
    };

    private static Promise Contract(string[] cells, string type, string help)
    {
        var name = Code(cells[1]);
        var bare = name["qbsync_".Length..];
        var roles = OfBoth.Contains(bare) ? "source and destination" : OfDestination.Contains(bare) ? "destination" : "source";
        return new Promise(name, type, Labels(cells[2]), help, roles);
    }

    /// <summary>First and last bound, as in <c>1ms .. 2.5s</c>.</summary>
    private static (double First, double Last) BoundsOf(string cell)
    {
        var bounds = Bound().Matches(cell).Select(match =>
            double.Parse(match.Groups["number"].Value, CultureInfo.InvariantCulture) / (match.Groups["unit"].Value == "ms" ? 1000 : 1)).ToArray();
        return (bounds[0], bounds[1]);
    }

    private static string[] Labels(string cell) => [.. Quoted().Matches(cell).Select(match => match.Groups["text"].Value)];

    private static string Code(string cell) => cell.Trim('`');

    [GeneratedRegex("(?<number>[0-9.]+)(?<unit>ms|s)")]
    private static partial Regex Bound();

    [GeneratedRegex("`(?<text>[^`]*)`")]
    private static partial Regex Quoted();

    /// <summary>A family as it is promised.</summary>
    /// <param name="Help">Word for word; null for one that is added, of which the words are free.</param>
    internal sealed record Promise(string Name, string Type, string[] Labels, string? Help, string Roles)
    {
        public (double First, double Last)? Bounds { get; init; }
    }
}
