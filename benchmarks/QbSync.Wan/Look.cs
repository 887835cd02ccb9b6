using System.Text.Json;
using System.Text.Json.Serialization;

namespace QbSync.Wan;

/// <summary>What a role's process sees of itself at one moment, sent to the parent as one line.</summary>
internal sealed record Look
{
    /// <summary>Monotonic time of the machine, in seconds.</summary>
    public double At { get; init; }

    /// <summary>Payload that has arrived; sinks only.</summary>
    public long Bytes { get; init; }

    public double CpuSeconds { get; init; }

    public double Streams { get; init; }

    public double Connections { get; init; }

    /// <summary>Mean window of a stream.</summary>
    public double WindowBytes { get; init; }

    /// <summary>Payload of attempts after a piece's first.</summary>
    public double ResentBytes { get; init; }

    /// <summary>Answers to small calls since the last look: median and worst.</summary>
    public double CallSeconds { get; init; }

    public double WorstCallSeconds { get; init; }

    /// <summary>Pieces that were lost, and answers that were no success.</summary>
    public int Failures { get; init; }

    public string ToLine() => JsonSerializer.Serialize(this, LookJson.Default.Look);

    public static Look FromLine(string line) => JsonSerializer.Deserialize(line, LookJson.Default.Look)!;
}

[JsonSerializable(typeof(Look))]
internal sealed partial class LookJson : JsonSerializerContext;
