namespace QbSync.Throughput.Report;

/// <summary>Prints medians, one variant a line, each beside the plain sockets of the same run.</summary>
internal static class Table
{
    public static void Print(TextWriter to, IReadOnlyDictionary<Variant, Runs> results)
    {
        to.WriteLine("                              MiB/s          CPU s/GiB              / plain        alloc MiB/GiB    LOH MiB/GiB     gen 2/GiB     peak MiB     wire/");
        to.WriteLine("                          whole  stream    src  dest   both      CPU MiB/s         src   dest       src dest       src dest     src dest   payload");
        foreach (var (variant, runs) in results)
        {
            var plain = results.FirstOrDefault(other => other.Key.IsBaselineOf(variant) && other.Key != variant).Value;
            to.WriteLine(
                $"{variant.Name,-25}{runs.MiBPerSecond,6:0}{OrBlank(runs.StreamMiBPerSecond, "0"),8}{runs.SourceCpuPerGiB,7:0.00}{runs.DestinationCpuPerGiB,6:0.00}{runs.CpuPerGiB,7:0.00}"
                + $"{OrBlank(runs.CpuPerGiB / plain?.CpuPerGiB, "0.00"),9}{OrBlank(runs.MiBPerSecond / plain?.MiBPerSecond, "0.00"),6}"
                + $"{runs.SourceAllocated,12:0.0}{runs.DestinationAllocated,7:0.0}{runs.SourceLarge,10:0.0}{runs.DestinationLarge,5:0.0}"
                + $"{runs.SourceGen2,10:0.#}{runs.DestinationGen2,5:0.#}{runs.SourcePeak,8:0}{runs.DestinationPeak,5:0}{OrBlank(runs.WirePerPayload, "0.000"),10}");
        }
    }

    private static string OrBlank(double? value, string format) => value is > 0 ? value.Value.ToString(format) : "";
}
