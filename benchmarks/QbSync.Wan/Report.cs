using System.Globalization;
using QbSync.Testing.Networks;

namespace QbSync.Wan;

/// <summary>Runs all cells, the things to be compared one after another in each round, and prints medians.</summary>
internal static class Report
{
    private const int CeilingFlows = 4;

    public static async Task PrintAsync(WanOptions options)
    {
        if (options.What.Contains("ceiling"))
        {
            var shape = new LinkShape { BitsPerSecond = 0, RoundTrip = TimeSpan.Zero };
            var result = await Cell.RunFlowsAsync(options, shape, "cubic", CeilingFlows);
            Console.WriteLine($"Ceiling: {result.Rate / 1e6:0} Mbit/s through the relay without a bottleneck, {CeilingFlows} flows.");
        }

        Console.WriteLine($"{options.Runs} runs of {options.Seconds} s after {options.WarmUp} s and 10 round trips; medians (least .. most). Share = payload / link; 96.5 % is the most there is.");
        Console.WriteLine("link                      TCP    what     share                from start  of TCP  resent  queue  dropped  conn.  streams  window KiB  call ms (worst)  late ms  overrun");
        foreach (var shape in options.Links)
        {
            foreach (var congestion in options.Congestion)
            {
                await PrintAsync(options, shape, congestion);
            }
        }
    }

    private static async Task PrintAsync(WanOptions options, LinkShape shape, string congestion)
    {
        List<Result> ours = [];
        List<Result> plain = [];
        for (var run = 1; run <= options.Runs; run++)
        {
            var flows = options.Flows;
            if (options.What.Contains("qbsync"))
            {
                ours.Add(await Cell.RunTransportAsync(options, shape with { Seed = 10 * run }, congestion));
                flows = flows > 0 ? flows : (int)ours[^1].Source.Connections;
            }

            if (options.What.Contains("flows"))
            {
                plain.Add(await Cell.RunFlowsAsync(options, shape with { Seed = 10 * run }, Cell.PlainCongestion(congestion, shape), Math.Max(1, flows)));
            }
        }

        Print(shape, congestion, "flows", plain, null);
        Print(shape, congestion, "qbsync", ours, plain.Count > 0 ? Median(plain, static result => result.Rate) : null);
    }

    private static void Print(LinkShape shape, string congestion, string what, List<Result> results, double? plain)
    {
        if (results.Count == 0)
        {
            return;
        }

        var rate = Median(results, static result => result.Rate);
        var share = string.Create(CultureInfo.InvariantCulture, $"{rate / shape.BitsPerSecond:0.0%} ({results.Min(static result => result.Rate) / shape.BitsPerSecond:0.0%} .. {results.Max(static result => result.Rate) / shape.BitsPerSecond:0.0%})");
        Console.WriteLine(
            $"{shape,-25} {congestion,-6} {what,-7} {share,-22} {Median(results, static result => result.RateFromStart) / shape.BitsPerSecond,8:0.0%}"
            + $"  {(plain is null ? "" : (rate / plain.Value).ToString("0.0%", CultureInfo.InvariantCulture)),7}  {Median(results, static result => result.Resent),6:0.0%}"
            + $"  {Median(results, static result => result.Queue),5:0%}  {Median(results, static result => result.Dropped),7:0}"
            + $"  {Median(results, static result => result.Source.Connections),5:0}  {Median(results, static result => result.Source.Streams),7:0}"
            + $"  {Median(results, static result => result.Source.WindowBytes) / 1024,10:0}"
            + $"  {Median(results, static result => result.Source.CallSeconds) * 1e3,7:0} {results.Max(static result => result.Source.WorstCallSeconds) * 1e3,7:0}"
            + $"  {results.Max(static result => result.Latest).TotalMilliseconds,7:0.0}  {results.Sum(static result => result.Overrun),7}"
            + (results.Sum(static result => result.Source.Failures) is > 0 and var failures ? $"  {failures} failures" : ""));
    }

    private static double Median(List<Result> results, Func<Result, double> value)
    {
        var values = results.Select(value).Order().ToList();
        return values[values.Count / 2];
    }
}
