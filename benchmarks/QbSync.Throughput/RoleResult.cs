using System.Diagnostics;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace QbSync.Throughput;

/// <summary>What a role's process measured of itself, sent to the parent as one line.</summary>
internal sealed record RoleResult
{
    public const string Prefix = "result ";

    public double Seconds { get; init; }

    /// <summary>Start to the last piece acknowledged; source only.</summary>
    public double StreamSeconds { get; init; }

    public double CpuSeconds { get; init; }

    public long AllocatedBytes { get; init; }

    public long PeakMemoryBytes { get; init; }

    public int Gen2Collections { get; init; }

    /// <summary>Payload bytes sent (source) or received (destination), resent ones included.</summary>
    public double WireBytes { get; init; }

    public string ToLine() => Prefix + JsonSerializer.Serialize(this, RoleResultJson.Default.RoleResult);

    public static RoleResult FromLine(string line) => JsonSerializer.Deserialize(line.AsSpan(Prefix.Length), RoleResultJson.Default.RoleResult)!;

    public static TimeSpan CpuNow()
    {
        using var process = Process.GetCurrentProcess();
        return process.TotalProcessorTime;
    }

    public static long PeakMemoryNow()
    {
        using var process = Process.GetCurrentProcess();
        return process.PeakWorkingSet64;
    }
}

[JsonSerializable(typeof(RoleResult))]
internal sealed partial class RoleResultJson : JsonSerializerContext;
