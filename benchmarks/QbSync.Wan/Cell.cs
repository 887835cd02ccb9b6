using QbSync.Testing.Networks;

namespace QbSync.Wan;

/// <summary>One run over one link, as measured: from the end of the warm-up to the end.</summary>
internal sealed record Result
{
    /// <summary>Payload that arrived, in bits a second.</summary>
    public required double Rate { get; init; }

    /// <summary>The same, from the very beginning.</summary>
    public required double RateFromStart { get; init; }

    /// <summary>Share of TCP segments that were sent again by the source.</summary>
    public required double Resent { get; init; }

    /// <summary>Longest queue in front of the bottleneck, as a share of its room.</summary>
    public required double Queue { get; init; }

    public required long Dropped { get; init; }

    public required Look Source { get; init; }

    /// <summary>How late the link itself was, at worst; with packets that the machine lost the run says nothing.</summary>
    public required TimeSpan Latest { get; init; }

    public required long Overrun { get; init; }
}

/// <summary>Runs one thing over a link of its own.</summary>
internal static class Cell
{
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
            [$"{options.PieceBytes}", "Address", $"{WanLink.FarAddress}:{DestinationRole.Port}", .. options.Settings]));

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
        var sentBefore = link.Near.CountSegments();
        await Task.Delay(TimeSpan.FromSeconds(options.Seconds));
        var after = await sink.LookAsync();
        var sent = link.Near.CountSegments();
        var seen = await source.LookAsync();
        return new Result
        {
            Rate = 8 * (after.Bytes - before.Bytes) / (after.At - before.At),
            RateFromStart = 8 * (after.Bytes - start.Bytes) / (after.At - start.At),
            Resent = (double)(sent.Resent - sentBefore.Resent) / Math.Max(1, sent.Sent - sentBefore.Sent),
            Queue = shape.BitsPerSecond == 0 ? 0 : (double)link.There.LongestQueue / shape.QueueBytes,
            Dropped = link.There.Dropped,
            Source = seen with { Failures = seen.Failures + after.Failures },
            Latest = link.Latest,
            Overrun = link.Overrun,
        };
    }
}
