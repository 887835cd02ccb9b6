using System.Text.Json;
using System.Text.Json.Serialization;

namespace QbSync.Throughput.Measuring;

/// <summary>What a child measured of itself while the pieces went through it; sent to the parent as one line.</summary>
internal sealed record Figures
{
    public const string Prefix = "result ";

    public double Seconds { get; init; }

    /// <summary>Start to the last piece acknowledged; a whole engine's source only.</summary>
    public double StreamSeconds { get; init; }

    public double CpuSeconds { get; init; }

    public long AllocatedBytes { get; init; }

    /// <summary>Of it on the large object heap.</summary>
    public long LargeBytes { get; init; }

    public int Gen2Collections { get; init; }

    public long PeakMemoryBytes { get; init; }

    /// <summary>Payload bytes sent (source) or received (destination), resent ones included; a whole engine only.</summary>
    public double WireBytes { get; init; }

    public string ToLine() => Prefix + JsonSerializer.Serialize(this, FiguresJson.Default.Figures);

    public static Figures FromLine(string line) => JsonSerializer.Deserialize(line.AsSpan(Prefix.Length), FiguresJson.Default.Figures)!;
}

[JsonSerializable(typeof(Figures))]
internal sealed partial class FiguresJson : JsonSerializerContext;
