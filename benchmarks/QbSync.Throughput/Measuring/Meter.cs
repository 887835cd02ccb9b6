using System.Diagnostics;

namespace QbSync.Throughput.Measuring;

/// <summary>Measures this process from its making to <see cref="Read"/>.</summary>
internal sealed class Meter : IDisposable
{
    private readonly LargeAllocations _large = new();
    private readonly long _allocated = GC.GetTotalAllocatedBytes();
    private readonly int _gen2 = GC.CollectionCount(2);
    private readonly TimeSpan _cpu = CpuNow();
    private readonly long _started = TimeProvider.System.GetTimestamp();

    public Meter() => ForgetPeakMemory();

    public double Elapsed => TimeProvider.System.GetElapsedTime(_started).TotalSeconds;

    public Figures Read() => new()
    {
        Seconds = Elapsed,
        CpuSeconds = (CpuNow() - _cpu).TotalSeconds,
        AllocatedBytes = GC.GetTotalAllocatedBytes() - _allocated,
        LargeBytes = _large.Bytes,
        Gen2Collections = GC.CollectionCount(2) - _gen2,
        PeakMemoryBytes = PeakMemoryNow(),
    };

    public void Dispose() => _large.Dispose();

    private static TimeSpan CpuNow()
    {
        using var process = Process.GetCurrentProcess();
        return process.TotalProcessorTime;
    }

    private static long PeakMemoryNow()
    {
        using var process = Process.GetCurrentProcess();
        return process.PeakWorkingSet64;
    }

    /// <summary>The peak counts from now on, where the system can do that.</summary>
    private static void ForgetPeakMemory()
    {
        try
        {
            File.WriteAllText("/proc/self/clear_refs", "5");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // The peak then is that of the process's whole life.
        }
    }
}
