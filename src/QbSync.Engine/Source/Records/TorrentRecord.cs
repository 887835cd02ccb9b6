using System.Text.Json.Serialization;

namespace QbSync.Engine.Source.Records;

/// <summary>What is durable of a torrent: <c>torrents/ID.json</c>. Written at transitions; never the wire's messages.</summary>
internal sealed record TorrentRecord
{
    /// <summary>Version of this format.</summary>
    public const int CurrentVersion = 1;

    public int Version { get; init; } = CurrentVersion;

    /// <summary>The torrent's id, hexadecimal.</summary>
    public required string Id { get; init; }

    /// <summary>The client's handle when it was written.</summary>
    public required string ClientId { get; init; }

    public required string Name { get; init; }

    public TorrentSyncState State { get; init; }

    /// <summary>Times of the strikes.</summary>
    public IReadOnlyList<DateTimeOffset> Strikes { get; init; } = [];

    /// <summary>When it was first eligible here.</summary>
    public DateTimeOffset FirstSeen { get; init; }

    /// <summary>Whether the destination may hold something unfinished of it.</summary>
    public bool OpenedThere { get; init; }

    /// <summary>Whether every selected piece was acknowledged, so that a removal here finalizes there.</summary>
    public bool AllArrived { get; init; }

    /// <summary>Whether the destination once said Complete, so that final files of it are there: they are never discarded.</summary>
    public bool WasComplete { get; init; }

    /// <summary>Whether the tag of a failure was seen on it, so that its absence means that the user asks for another try.</summary>
    public bool FailedTagWasSeen { get; init; }

    /// <summary>Why it failed.</summary>
    public string Reason { get; init; } = "";

    /// <summary>When it failed.</summary>
    public DateTimeOffset? FailedAt { get; init; }

    /// <summary>What Finalize is told.</summary>
    public FinalizeRecord? Finalize { get; init; }

    /// <summary>Present exactly when the destination said Complete.</summary>
    public CompletionRecord? Completion { get; init; }

    /// <summary>Present when it was deleted here with a proof.</summary>
    public HandedOffRecord? HandedOff { get; init; }

    /// <summary>Handoffs in a row that turned back.</summary>
    public int HandoffFailures { get; init; }

    /// <summary>Until when none is tried again.</summary>
    public DateTimeOffset? HandoffRestsUntil { get; init; }
}

/// <summary>What is kept for a while of a torrent that was deleted here: on what the delete rested, and by what a new one is known for another.</summary>
internal sealed record HandedOffRecord
{
    public DateTimeOffset At { get; init; }

    /// <summary>When the one that was deleted had been added.</summary>
    public DateTimeOffset? AddedAt { get; init; }

    public byte[] ProofId { get; init; } = [];

    /// <summary>When the proof was asked for; null for one that somebody else removed.</summary>
    public DateTimeOffset? ProvenAt { get; init; }

    /// <summary>Bytes that the destination had read back from its disk.</summary>
    public long BytesReadBack { get; init; }

    public static HandedOffRecord Of(Handoff.HandoffMember member, Handoff.HandoffEntry entry) => new()
    {
        At = entry.StepAt,
        AddedAt = member.AddedAt,
        ProofId = member.ProofId,
        ProvenAt = member.WasRemoved ? null : member.ProvenAt,
        BytesReadBack = member.BytesReadBack,
    };
}

/// <summary>What Finalize needs, kept so that it can be called when the source's entry is gone.</summary>
internal sealed record FinalizeRecord
{
    /// <summary>Fingerprint of the selection that was streamed.</summary>
    public required byte[] Fingerprint { get; init; }

    public string Category { get; init; } = "";

    public IReadOnlyList<string> Tags { get; init; } = [];

    public DateTimeOffset? AddedAt { get; init; }

    public DateTimeOffset? CompletedAt { get; init; }

    /// <summary>What was left of the share limit, as <see cref="Ports.ShareLimit.ToNumber"/>; null in records of before.</summary>
    public double? RatioLimit { get; init; }

    /// <summary>As <see cref="RatioLimit"/>, minutes of seeding.</summary>
    public double? SeedingLimit { get; init; }

    /// <summary>As <see cref="RatioLimit"/>, minutes without upload.</summary>
    public double? InactiveLimit { get; init; }
}

/// <summary>The completion record of a torrent.</summary>
internal sealed record CompletionRecord
{
    /// <summary>v1 hash, hexadecimal; empty for none.</summary>
    public string V1 { get; init; } = "";

    /// <summary>v2 hash, hexadecimal; empty for none.</summary>
    public string V2 { get; init; } = "";

    /// <summary>SHA-256 of the info dictionary; empty in records of before.</summary>
    public byte[] ManifestDigest { get; init; } = [];

    /// <summary>Whether the destination had it before any byte was sent by us.</summary>
    public bool Adopted { get; init; }

    /// <summary>The selection that is complete there, packed; of an adopted one it may be more than is wanted here. Empty when that is not known.</summary>
    public required byte[] Selection { get; init; }

    /// <summary>Digest of the client's list of files when it was compared with <see cref="Selection"/>; empty when that has yet to be done.</summary>
    public byte[] ClientFiles { get; init; } = [];

    /// <summary>Bytes of that selection.</summary>
    public long SelectedBytes { get; init; }

    /// <summary>Bytes that the client counts as selected, to notice a change cheaply.</summary>
    public long ClientSelectedSize { get; init; }

    /// <summary>The destination's proof, if it named one.</summary>
    public byte[] ProofId { get; init; } = [];

    public DateTimeOffset? CompletedAt { get; init; }

    public DateTimeOffset SyncedAt { get; init; }

    /// <summary>When the destination last said that it has it; null when it was not asked since.</summary>
    public DateTimeOffset? ValidatedAt { get; init; }
}

[JsonSourceGenerationOptions(
    WriteIndented = true, RespectNullableAnnotations = true, UseStringEnumConverter = true, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(TorrentRecord))]
[JsonSerializable(typeof(Dictionary<string, int>))]
internal sealed partial class RecordJsonContext : JsonSerializerContext;
