using QbSync.Throughput.Measuring;

namespace QbSync.Throughput.Report;

/// <summary>One passage of all pieces.</summary>
internal sealed record Run(Figures Source, Figures Destination)
{
    public double CpuSeconds => Source.CpuSeconds + Destination.CpuSeconds;
}

/// <summary>The runs of a variant, by their medians.</summary>
internal sealed class Runs(long sizeMiB)
{
    private readonly List<Run> _runs = [];

    private double GiB => sizeMiB / 1024.0;

    public int Count => _runs.Count;

    public void Add(Run run) => _runs.Add(run);

    public double MiBPerSecond => Median(run => sizeMiB / run.Source.Seconds);

    public double StreamMiBPerSecond => Median(run => run.Source.StreamSeconds > 0 ? sizeMiB / run.Source.StreamSeconds : 0);

    public double CpuPerGiB => Median(run => run.CpuSeconds / GiB);

    public double SourceCpuPerGiB => Median(run => run.Source.CpuSeconds / GiB);

    public double DestinationCpuPerGiB => Median(run => run.Destination.CpuSeconds / GiB);

    public double SourceAllocated => Median(run => MiB(run.Source.AllocatedBytes) / GiB);

    public double DestinationAllocated => Median(run => MiB(run.Destination.AllocatedBytes) / GiB);

    public double SourceLarge => Median(run => MiB(run.Source.LargeBytes) / GiB);

    public double DestinationLarge => Median(run => MiB(run.Destination.LargeBytes) / GiB);

    public double SourceGen2 => Median(run => run.Source.Gen2Collections / GiB);

    public double DestinationGen2 => Median(run => run.Destination.Gen2Collections / GiB);

    public double SourcePeak => Median(run => MiB(run.Source.PeakMemoryBytes));

    public double DestinationPeak => Median(run => MiB(run.Destination.PeakMemoryBytes));

    public double WirePerPayload => Median(run => run.Source.WireBytes / (sizeMiB << 20));

    private static double MiB(long bytes) => bytes / 1048576.0;

    private double Median(Func<Run, double> figure)
    {
        var sorted = _runs.Select(figure).Order().ToList();
        return sorted.Count % 2 == 1 ? sorted[sorted.Count / 2] : (sorted[(sorted.Count / 2) - 1] + sorted[sorted.Count / 2]) / 2;
    }
}
