using System.Text;
using Prometheus;

namespace QbSync.Testing.Metrics;

/// <summary>
/// The laws between the metrics of a role, and between those of both. They hold for what a role has done so far when it is at rest: nothing in flight, no call
/// running. A law of families that a registry lacks says nothing.
/// </summary>
public static class MetricLaws
{
    /// <summary>Share of bytes that may be sent again where nothing is made to fail.</summary>
    private const double MostResent = 0.02;

    /// <summary>Checks the laws of each role by itself.</summary>
    /// <param name="texts">Scrapes of roles that have ended, or are at rest.</param>
    public static void Verify(params string[] texts) => Assert.That(texts.SelectMany(static text => FindBreaches(Exposition.Parse(text))), Is.Empty, "laws of metrics");

    /// <summary>The same of registries.</summary>
    public static async Task VerifyAsync(params IEnumerable<CollectorRegistry> registries)
    {
        List<string> texts = [];
        foreach (var registry in registries)
        {
            using var text = new MemoryStream();
            await MovedSeries.CollectAsync(registry, text);
            texts.Add(Encoding.UTF8.GetString(text.ToArray()));
        }

        Verify([.. texts]);
    }

    /// <summary>What of one role's laws does not hold.</summary>
    public static IEnumerable<string> FindBreaches(Exposition scrape) =>
        [.. OfSending(scrape), .. OfReceiving(scrape), .. OfEngine(scrape), .. OfFiles(scrape), .. OfCalls(scrape)];

    /// <summary>What does not hold between both roles, when both are at rest and no stream was lost in their lives (L4).</summary>
    public static IEnumerable<string> FindBreaches(Exposition source, Exposition destination)
    {
        if (!IsQuiet(source))
        {
            yield break;
        }

        var sent = source.Sum("qbsync_bytes_sent_total");
        if (sent != destination.Sum("qbsync_bytes_received_total"))
        {
            yield return $"L4: {sent} bytes were sent and {destination.Sum("qbsync_bytes_received_total")} received";
        }

        var taken = destination.Sum("qbsync_piece_write_duration_seconds_count") + destination.Sum("qbsync_duplicate_pieces_total");
        if (source.Sum("qbsync_pieces_acked_total") != taken)
        {
            yield return $"L4: {source.Sum("qbsync_pieces_acked_total")} pieces were acknowledged and {taken} taken";
        }

        // What is refused, or known to be here already, may be answered before its last chunk; without those, each attempt came to it.
        if (source.Sum("qbsync_pieces_failed_total") == 0 && destination.Sum("qbsync_duplicate_pieces_total") == 0
            && destination.Sum("qbsync_piece_rejections_total") == 0)
        {
            if (source.Sum("qbsync_pieces_sent_total") != source.Sum("qbsync_pieces_acked_total"))
            {
                yield return $"L1: {source.Sum("qbsync_pieces_sent_total")} pieces were sent and {source.Sum("qbsync_pieces_acked_total")} acknowledged";
            }

            if (destination.Sum("qbsync_pieces_received_total") != taken)
            {
                yield return $"L3: {destination.Sum("qbsync_pieces_received_total")} pieces were received and {taken} taken";
            }
        }

        if (source.Sum("qbsync_pieces_failed_total") == 0 && source.Sum("qbsync_bytes_resent_total") > MostResent * sent)
        {
            yield return $"L4: {source.Sum("qbsync_bytes_resent_total")} of {sent} bytes were sent again, though nothing failed";
        }
    }

    /// <summary>The other half of L7, which no other metric shows: each stream that was opened has ended for one reason, when all have ended.</summary>
    /// <param name="source">The source, which has ended.</param>
    /// <param name="opened">Streams that it said to have opened.</param>
    public static IEnumerable<string> FindBreaches(Exposition source, int opened) => source.Sum("qbsync_receive_acks_exit_total") == opened
        ? []
        : [$"L7: {opened} streams were opened and {source.Sum("qbsync_receive_acks_exit_total")} ended"];

    /// <summary>
    /// Whether a source has nothing in flight, lost no stream so far, had no ack too late and no attempt end without an answer. A stream that we, or the peer,
    /// ended in order was drained before.
    /// </summary>
    public static bool IsQuiet(Exposition source) =>
        source.Has("qbsync_pieces_sent_total") && source.Sum("qbsync_inflight_pieces") == 0
        && source.Sum("qbsync_receive_acks_exit_total", ("reason", "error")) == 0 && source.Sum("qbsync_ack_channel_blocked_total") == 0
        && source.Sum("qbsync_pieces_failed_total") == source.Sum("qbsync_piece_rejections_total") && source.Sum("qbsync_late_acks_total") == 0;

    private static IEnumerable<string> OfSending(Exposition scrape)
    {
        if (!scrape.Has("qbsync_pieces_sent_total"))
        {
            yield break;
        }

        var (sent, acked, failed) = (
            scrape.Sum("qbsync_pieces_sent_total"), scrape.Sum("qbsync_pieces_acked_total"), scrape.Sum("qbsync_pieces_failed_total"));
        if (acked + failed + scrape.Sum("qbsync_inflight_pieces") < sent)
        {
            yield return $"L1: {sent} pieces were sent, {acked} acknowledged, {failed} failed, {scrape.Sum("qbsync_inflight_pieces")} are in flight";
        }

        if (scrape.Sum("qbsync_piece_rtt_seconds_count") != acked)
        {
            yield return $"L2: {acked} pieces were acknowledged and {scrape.Sum("qbsync_piece_rtt_seconds_count")} timed";
        }

        foreach (var slot in scrape.Find("qbsync_pieces_sent_total"))
        {
            var timed = scrape.Sum("qbsync_piece_send_duration_seconds_count", ("connection", slot.Labels["connection"]));
            if (timed != slot.Value)
            {
                yield return $"L2: on connection {slot.Labels["connection"]} {slot.Value} pieces were sent and {timed} timed";
            }
        }

        var causes = scrape.Sum("qbsync_stale_pieces_total") + scrape.Sum("qbsync_drain_timeout_pieces_lost_total") + scrape.Sum("qbsync_piece_rejections_total");
        if (causes > failed)
        {
            yield return $"L2: {failed} pieces failed, {causes} were stale, lost in a drain or rejected";
        }

        if (scrape.Sum("qbsync_receive_acks_exit_total", ("reason", "ack_channel_blocked")) != scrape.Sum("qbsync_ack_channel_blocked_total"))
        {
            yield return "L7: the two counts of blocked sinks differ";
        }
    }

    private static IEnumerable<string> OfReceiving(Exposition scrape)
    {
        // Without a transport nothing comes off a wire, and no answer is given.
        if (!scrape.Has("qbsync_pieces_received_total") || !scrape.Has("qbsync_piece_write_duration_seconds"))
        {
            yield break;
        }

        var received = scrape.Sum("qbsync_pieces_received_total");
        var judged = scrape.Sum("qbsync_piece_write_duration_seconds_count") + scrape.Sum("qbsync_duplicate_pieces_total")
            + scrape.Sum("qbsync_piece_rejections_total");
        if (judged < received)
        {
            yield return $"L3: {received} pieces were received and {judged} judged";
        }
    }

    private static IEnumerable<string> OfEngine(Exposition scrape)
    {
        if (scrape.Has("qbsync_finalization_duration_seconds"))
        {
            var (success, failure) = (
                scrape.Sum("qbsync_finalization_duration_seconds_count", ("result", "success")),
                scrape.Sum("qbsync_finalization_duration_seconds_count", ("result", "failure")));
            if (failure != scrape.Sum("qbsync_finalization_errors_total"))
            {
                yield return $"L5: {failure} finalizations failed, {scrape.Sum("qbsync_finalization_errors_total")} were counted as errors";
            }

            if (success != scrape.Sum("qbsync_sync_outcomes_total", ("result", "success")))
            {
                yield return $"L5: {success} finalizations succeeded, {scrape.Sum("qbsync_sync_outcomes_total", ("result", "success"))} torrents were synced";
            }
        }

        if (scrape.Has("qbsync_torrent_sync_latency_seconds")
            && scrape.Sum("qbsync_torrent_sync_latency_seconds_count") != scrape.Sum("qbsync_sync_outcomes_total", ("result", "success")))
        {
            yield return $"{scrape.Sum("qbsync_sync_outcomes_total", ("result", "success"))} torrents were synced, "
                + $"{scrape.Sum("qbsync_torrent_sync_latency_seconds_count")} timed";
        }
    }

    private static IEnumerable<string> OfFiles(Exposition scrape)
    {
        if (!scrape.Has("qbsync_file_handle_cache_total"))
        {
            yield break;
        }

        var (opened, evicted, open) = (
            scrape.Sum("qbsync_file_handle_cache_total", ("result", "miss")),
            scrape.Sum("qbsync_file_handle_evictions_total"),
            scrape.Sum("qbsync_open_file_handles"));
        if (opened - evicted != open)
        {
            yield return $"L6: {opened} files were opened and {evicted} closed, {open} are open";
        }
    }

    private static IEnumerable<string> OfCalls(Exposition scrape)
    {
        foreach (var calls in scrape.Find("qbsync_qb_api_calls_total"))
        {
            var timed = scrape.Sum("qbsync_qb_api_call_duration_seconds_count", ("operation", calls.Labels["operation"]));
            if (timed != calls.Value)
            {
                yield return $"L8: {calls.Labels["operation"]} was called {calls.Value} times and timed {timed} times";
            }
        }
    }
}
