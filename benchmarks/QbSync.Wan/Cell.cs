using QbSync.Testing.Networks;

namespace QbSync.Wan;

/// <summary>One run over one link, as measured: from the end of the warm-up to the end.</summary>
internal sealed record Result
{
    /// <summary>Payload that arrived, in bits a second.</summary>
    public required double Rate { get; init; }

    /// <summary>The same, of the median second: what a hiccup of the machine does not change.</summary>
    public required double SteadyRate { get; init; }

    /// <summary>The same, from the very beginning.</summary>
    public required double RateFromStart { get; init; }

    /// <summary>Share of TCP segments that were sent again by the source.</summary>
    public required double Resent { get; init; }

    /// <summary>Longest queue in front of the bottleneck, as a share of its room.</summary>
    public required double Queue { get; init; }

    /// <summary>What the bottleneck let pass, in bits a second: headers and what was sent again, too.</summary>
    public required double WireRate { get; init; }

    public required long Dropped { get; init; }

    public required Look Source { get; init; }

    /// <summary>How late the link itself was, at worst; with packets that the machine lost the run says nothing.</summary>
    public required TimeSpan Latest { get; init; }

    public required long Overrun { get; init; }
}

/// <summary>Runs one thing over a link of its own.</summary>
internal static class Cell
{
    /// <summary>What plain TCP is measured with beside the transport's <c>auto</c>: the algorithm that does best on such a link.</summary>
    public static string PlainCongestion(string congestion, LinkShape shape) =>
        congestion != "auto" ? congestion : shape.Loss > 0 ? "bbr" : "cubic";

    public static Task<Result> RunFlowsAsync(WanOptions options, LinkShape shape, string congestion, int flows) => RunAsync(
        options,
        shape,
        link => RoleProcess.StartAsync(link.Far, Flows.SinkVerb),
        link => RoleProcess.StartAsync(link.Near, Flows.SourceVerb, WanLink.FarAddress.ToString(), $"{flows}", congestion));

    public static Task<Result> RunTransportAsync(WanOptions options, LinkShape shape, string congestion) => RunAsync(
        options,
        shape,
        link => RoleProcess.StartAsync(link.Far, DestinationRole.Verb, $"{options.PieceBytes}"),
        link => RoleProcess.StartAsync(
            link.Near,
            SourceRole.Verb,
            [$"{options.PieceBytes}", "Address", $"{WanLink.FarAddress}:{DestinationRole.Port}", "TcpCongestion", congestion, .. options.Settings]));

    private static async Task<Result> RunAsync(
        WanOptions options, LinkShape shape, Func<WanLink, Task<RoleProcess>> startSink, Func<WanLink, Task<RoleProcess>> startSource)
    {
        using var link = new WanLink(shape);
        using var sink = await startSink(link);
        using var source = await startSource(link);
        var start = await sink.LookAsync();
        var warmUp = TimeSpan.FromSeconds(options.WarmUp) + (10 * shape.RoundTrip);
        await Task.Delay(warmUp);
        var before = await sink.LookAsync();
        await source.LookAsync();
        var wireBefore = link.There.Bytes;
        var sentBefore = link.Near.CountSegments();
        var seconds = await WatchAsync(options, link, sink, source);
        var after = await sink.LookAsync();
        var sent = link.Near.CountSegments();
        var seen = await source.LookAsync();
        return new Result
        {
            Rate = 8 * (after.Bytes - before.Bytes) / (after.At - before.At),
            SteadyRate = seconds.Order().ElementAt(seconds.Count / 2),
            RateFromStart = 8 * (after.Bytes - start.Bytes) / (after.At - start.At),
            Resent = (double)(sent.Resent - sentBefore.Resent) / Math.Max(1, sent.Sent - sentBefore.Sent),
            Queue = shape.BitsPerSecond == 0 ? 0 : (double)link.There.LongestQueue / shape.QueueBytes,
            WireRate = 8 * (link.There.Bytes - wireBefore) / (after.At - before.At),
            Dropped = link.There.Dropped,
            Source = seen with { Failures = seen.Failures + after.Failures },
            Latest = link.Latest,
            Overrun = link.Overrun,
        };
    }

    /// <summary>The rate of each second; says how it goes where that is asked for.</summary>
    private static async Task<List<double>> WatchAsync(WanOptions options, WanLink link, RoleProcess sink, RoleProcess source)
    {
        List<double> rates = [];
        var (last, bytes, dropped, resent) = (await sink.LookAsync(), link.There.Bytes, link.There.Dropped, link.Near.CountSegments().Resent);
        while (rates.Count < options.Seconds)
        {
            await Task.Delay(TimeSpan.FromSeconds(1));
            var seen = await sink.LookAsync();
            rates.Add(8 * (seen.Bytes - last.Bytes) / (seen.At - last.At));
            if (options.Trace)
            {
                var (from, again) = (await source.LookAsync(), link.Near.CountSegments().Resent);
                Console.WriteLine(
                    $"  {rates.Count,3} s  {rates[^1] / 1e6,6:0.0} Mbit/s arrived, {8e-6 * (link.There.Bytes - bytes) / (seen.At - last.At),6:0.0} on the wire, {link.There.Dropped - dropped,5} dropped,"
                    + $" {again - resent,5} resent, {from.Connections} connections, {from.Streams} streams, windows of {from.WindowBytes / 1024:0} KiB");
                (bytes, dropped, resent) = (link.There.Bytes, link.There.Dropped, again);
            }

            last = seen;
        }

        return rates;
    }
}
