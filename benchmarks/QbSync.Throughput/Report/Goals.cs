namespace QbSync.Throughput.Report;

/// <summary>What the transport has to reach, and what would be great. Only ratios and allocations: they hold on any machine.</summary>
internal static class Goals
{
    /// <summary>Says of each figure whether it is reached; false when one that must be is not.</summary>
    public static bool Check(TextWriter to, IReadOnlyDictionary<Variant, Runs> results)
    {
        var isReached = true;
        foreach (var (variant, runs) in results.Where(result => result.Key.Layer == Layer.Transport))
        {
            var plain = results.FirstOrDefault(other => other.Key.IsBaselineOf(variant)).Value;
            if (plain is not null && !variant.IsEncrypted)
            {
                var (must, great) = variant.IsHashing ? (2.2, 1.8) : (2.6, 2.1);
                isReached &= AtMost(to, variant, "CPU / plain", runs.CpuPerGiB / plain.CpuPerGiB, must, great);
                isReached &= AtLeast(to, variant, "MiB/s / plain", runs.MiBPerSecond / plain.MiBPerSecond, 0.55, 0.80);
            }

            if (variant.IsEncrypted && results.TryGetValue(variant with { IsEncrypted = false }, out var open))
            {
                isReached &= AtMost(to, variant, "CPU with TLS / without", runs.CpuPerGiB / open.CpuPerGiB, 1.7, 1.5);
            }

            isReached &= AtMost(to, variant, "source MiB allocated a GiB", runs.SourceAllocated, 15, 12);
            isReached &= AtMost(to, variant, "destination MiB allocated a GiB", runs.DestinationAllocated, 6, 2);
            isReached &= AtMost(to, variant, "gen 2 collections a GiB", runs.SourceGen2 + runs.DestinationGen2, 0, 0);
            isReached &= AtMost(to, variant, "source peak MiB", runs.SourcePeak, 130, 60);
            isReached &= AtMost(to, variant, "destination peak MiB", runs.DestinationPeak, 130, 120);
        }

        return isReached;
    }

    private static bool AtMost(TextWriter to, Variant variant, string figure, double value, double must, double great) =>
        Say(to, variant, figure, value, must, value <= must, value <= great);

    private static bool AtLeast(TextWriter to, Variant variant, string figure, double value, double must, double great) =>
        Say(to, variant, figure, value, must, value >= must, value >= great);

    private static bool Say(TextWriter to, Variant variant, string figure, double value, double must, bool isReached, bool isGreat)
    {
        if (!isGreat)
        {
            to.WriteLine($"{(isReached ? "reached, not great" : "NOT REACHED")}: {variant.Name}: {figure} {value:0.00} (must {must:0.##})");
        }

        return isReached;
    }
}
