namespace QbSync.ArchitectureTests;

/// <summary>What each panel of the dashboard is to ask: <c>{S}</c> chooses job and instance, <c>{M}</c> the role too, <c>[R]</c> is for rates.</summary>
internal static class DashboardContract
{
    public static IReadOnlyList<(int Number, string Row, IReadOnlyList<string> Queries)> Panels { get; } =
    [
        Panel(1, "Now", "sum by (mode) (qbsync_active_torrents{M})"),
        Panel(2, "Now", "sum(qbsync_transfer_throughput_bytes_per_second{S})"),
        Panel(
            3,
            "Now",
            "sum(qbsync_backlog_bytes{S})",
            "sum(qbsync_backlog_bytes{S}) / (sum(qbsync_transfer_throughput_bytes_per_second{S}) > 0)"),
        Panel(4, "Now", "sum by (mode, state) (qbsync_torrents{M})"),
        Panel(5, "Now", "max(qbsync_oldest_pending_sync_seconds{S}) or vector(0)"),
        Panel(6, "Now", "max by (mode, component) (qbsync_circuit_breaker_state{M})"),
        Panel(
            7,
            "Now",
            "max(qbsync_draining{S})",
            "qbsync_build_info{M}"),
        Panel(
            8,
            "Torrents",
            "qbsync_torrent_bytes_synced_total",
            "timestamp(qbsync_torrents_synced_total{mode=\"source\"})",
            "qbsync_torrent_synced_timestamp_seconds * 1000"),
        Panel(9, "Torrents", "qbsync_torrent_pieces_streamed / qbsync_torrent_pieces"),
        Panel(
            10,
            "Torrents",
            "qbsync_torrent_pieces - qbsync_torrent_pieces_streamed",
            "qbsync_torrent_size_bytes"),
        Panel(11, "Torrents", "qbsync_torrent_pieces_streamed / qbsync_torrent_pieces * qbsync_torrent_size_bytes"),
        Panel(
            12,
            "Torrents",
            "rate(qbsync_torrent_pieces_streamed[5m])",
            "clamp_min(deriv(qbsync_torrent_pieces_streamed{S}[5m]), 0)"),
        Panel(13, "Torrents", "qbsync_torrent_pieces > 0"),
        Panel(
            14,
            "Torrents",
            "histogram_quantile(0.50, sum(rate(qbsync_torrent_sync_latency_seconds_bucket[$__rate_interval])) by (le))",
            "histogram_quantile(0.99, sum(rate(qbsync_torrent_sync_latency_seconds_bucket[$__rate_interval])) by (le))"),
        Panel(15, "Torrents", "sum by (mode, result) (increase(qbsync_sync_outcomes_total{M}[1h]))"),
        Panel(16, "Link", "sum by (connection) (rate(qbsync_bytes_sent_total{S}[R]))"),
        Panel(
            17,
            "Link",
            "sum(rate(qbsync_bytes_sent_total{S}[R]))",
            "sum(rate(qbsync_bytes_received_total{S}[R]))"),
        Panel(
            18,
            "Link",
            "qbsync_inflight_pieces{S}",
            "qbsync_adaptive_window_size{S}",
            "qbsync_adaptive_window_bytes{S}"),
        Panel(
            19,
            "Link",
            "qbsync_stream_pool_size{S}",
            "qbsync_stream_pool_max_size{S}",
            "qbsync_stream_pool_scaling_paused{S}"),
        Panel(
            20,
            "Link",
            "qbsync_grpc_connections_active{S}",
            "qbsync_grpc_connections_configured{S}"),
        Panel(21, "Link", "sum by (direction) (increase(qbsync_connection_scale_events_total{S}[R]))"),
        Panel(
            22,
            "Link",
            "histogram_quantile(0.5, sum by (le) (rate(qbsync_piece_rtt_seconds_bucket{S}[R])))",
            "histogram_quantile(0.99, sum by (le) (rate(qbsync_piece_rtt_seconds_bucket{S}[R])))",
            "qbsync_tcp_smoothed_rtt_seconds{S}"),
        Panel(
            23,
            "Link",
            "histogram_quantile(0.95, sum by (le) (rate(qbsync_piece_read_duration_seconds_bucket{S}[R])))",
            "histogram_quantile(0.95, sum by (le) (rate(qbsync_piece_send_duration_seconds_bucket{S}[R])))",
            "histogram_quantile(0.95, sum by (le) (rate(qbsync_piece_write_duration_seconds_bucket{S}[R])))"),
        Panel(
            24,
            "Link",
            "rate(qbsync_window_full_total{S}[R])",
            "rate(qbsync_send_timeout_total{S}[R])",
            "rate(qbsync_stale_pieces_total{S}[R])",
            "rate(qbsync_stream_reconnects_total{S}[R])"),
        Panel(25, "Link", "sum by (reason) (increase(qbsync_receive_acks_exit_total{S}[R]))"),
        Panel(26, "Link", "sum(rate(qbsync_bytes_resent_total{S}[R])) / sum(rate(qbsync_bytes_sent_total{S}[R]))"),
        Panel(
            27,
            "Destination",
            "qbsync_write_workers_busy{S}",
            "qbsync_write_worker_queue_depth{S}"),
        Panel(28, "Destination", "qbsync_receive_budget_bytes_in_use{S} / qbsync_receive_budget_limit_bytes{S}"),
        Panel(
            29,
            "Destination",
            "histogram_quantile(0.95, sum by (le) (rate(qbsync_finalization_duration_seconds_bucket{S}[R])))",
            "qbsync_finalization_queue_depth{S}"),
        Panel(
            30,
            "Destination",
            "sum by (code) (rate(qbsync_piece_rejections_total{M}[R]))",
            "rate(qbsync_bytes_reused_total{S}[R])"),
        Panel(
            31,
            "Destination",
            "increase(qbsync_piece_hash_mismatch_total{S}[1h])",
            "increase(qbsync_verification_errors_total{S}[1h])",
            "increase(qbsync_early_finalize_verify_failures_total{S}[1h])",
            "increase(qbsync_verification_recoveries_total{S}[1h])",
            "increase(qbsync_piece_write_errors_total{S}[1h])",
            "increase(qbsync_state_save_errors_total{S}[1h])",
            "increase(qbsync_file_sync_errors_total{S}[1h])",
            "increase(qbsync_hardlink_errors_total{S}[1h])"),
        Panel(
            32,
            "Safety",
            "sum by (result) (increase(qbsync_handoff_total{S}[1h]))",
            "histogram_quantile(0.99, sum by (le) (rate(qbsync_handoff_seeding_gap_seconds_bucket{S}[R])))"),
        Panel(
            33,
            "Safety",
            "sum by (reason) (increase(qbsync_deletes_blocked_total{S}[1h]))",
            "qbsync_deletable_bytes{S}"),
        Panel(
            34,
            "Safety",
            "qbsync_double_seeding_torrents{S}",
            "increase(qbsync_client_state_violations_total{M}[1h])"),
        Panel(
            35,
            "Safety",
            "qbsync_free_space_bytes{M}",
            "qbsync_min_free_space_bytes{M}"),
        Panel(36, "Client and process", "sum by (mode, operation) (rate(qbsync_qb_api_calls_total{M}[R]))"),
        Panel(37, "Client and process", "histogram_quantile(0.95, sum by (le, operation) (rate(qbsync_qb_api_call_duration_seconds_bucket{M}[R])))"),
        Panel(
            38,
            "Client and process",
            "sum by (kind) (rate(qbsync_qb_api_errors_total{M}[R]))",
            "rate(qbsync_qb_client_retries_total{S}[R])"),
        Panel(
            39,
            "Client and process",
            "rate(process_cpu_seconds_total{S}[R])",
            "process_working_set_bytes{S}",
            "qbsync_open_file_handles{M}"),
    ];

    /// <summary>What the last row asks of a family.</summary>
    public static string Rest(string family) =>
        family.EndsWith("_total", StringComparison.Ordinal) ? Expand($"rate({family}{{S}}[R])")
        : family.EndsWith("_duration_seconds", StringComparison.Ordinal) ? Expand($"histogram_quantile(0.95, sum by (le) (rate({family}_bucket{{S}}[R])))")
        : Expand(family + "{S}");

    private static (int Number, string Row, IReadOnlyList<string> Queries) Panel(int number, string row, params string[] queries) =>
        (number, row, [.. queries.Select(Expand)]);

    private static string Expand(string query) => query
        .Replace("{S}", "{job=~\"$job\",instance=~\"$instance\"}", StringComparison.Ordinal)
        .Replace("{M}", "{job=~\"$job\",instance=~\"$instance\",mode=~\"$mode\"}", StringComparison.Ordinal)
        .Replace("[R]", "[$__rate_interval]", StringComparison.Ordinal);
}
