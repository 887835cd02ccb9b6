using System.Text.Json;
using System.Text.Json.Serialization;
using QbSync.Ports;

namespace QbSync.Engine.Source.Handoff;

/// <summary>What was deleted here and on which proof, a line each in <c>audit.jsonl</c> of the state: on disk before the delete is sent. Thread-safe.</summary>
internal sealed class AuditLog(IDurableRecords records)
{
    private const string Name = "audit.jsonl";

    /// <summary>Makes a line durable.</summary>
    public ValueTask WriteAsync(AuditLine line, CancellationToken cancellationToken) =>
        records.AppendLineAsync(Name, JsonSerializer.SerializeToUtf8Bytes(line, AuditJsonContext.Default.AuditLine), cancellationToken);
}

/// <summary>One step that cannot be undone, and why it was right.</summary>
internal sealed record AuditLine
{
    /// <summary>When it was about to be taken.</summary>
    public required DateTimeOffset At { get; init; }

    /// <summary>What.</summary>
    public string Event { get; init; } = "delete";

    public required string Hash { get; init; }

    public required string Name { get; init; }

    /// <summary>Number of the handoff, as in its journal.</summary>
    public required long Handoff { get; init; }

    public required HandoffCause Cause { get; init; }

    /// <summary>The proof's name at the destination, hexadecimal.</summary>
    public required string Proof { get; init; }

    /// <summary>When that was asked for.</summary>
    public required DateTimeOffset? ProvenAt { get; init; }

    /// <summary>Bytes that the destination had read back from its disk.</summary>
    public required long BytesReadBack { get; init; }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, UseStringEnumConverter = true)]
[JsonSerializable(typeof(AuditLine))]
internal sealed partial class AuditJsonContext : JsonSerializerContext;
