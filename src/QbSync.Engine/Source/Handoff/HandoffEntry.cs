using System.Text.Json.Serialization;
using QbSync.Torrents;

namespace QbSync.Engine.Source.Handoff;

/// <summary>What is durable of one group's handoff: <c>handoff/N.json</c>. Immutable; never the wire's messages.</summary>
internal sealed record HandoffEntry
{
    /// <summary>Version of this format.</summary>
    public const int CurrentVersion = 1;

    public int Version { get; init; } = CurrentVersion;

    public long Number { get; init; }

    public HandoffCause Cause { get; init; }

    /// <summary>The step that is about to be tried.</summary>
    public HandoffStep Step { get; init; }

    public DateTimeOffset BegunAt { get; init; }

    /// <summary>When the step was named.</summary>
    public DateTimeOffset StepAt { get; init; }

    /// <summary>Whether both sides may seed for a while, so that the stop comes after the start.</summary>
    public bool Overlaps { get; init; }

    /// <summary>Whether a start was about to be sent: from then on the destination is told to stop before anything is started here.</summary>
    public bool MayBeActiveThere { get; init; }

    /// <summary>Whether a stop here was about to be sent.</summary>
    public bool StopWasSent { get; init; }

    /// <summary>When the last member was seen started there.</summary>
    public DateTimeOffset? StartedAt { get; init; }

    /// <summary>Bytes that the delete gives back.</summary>
    public long FreesBytes { get; init; }

    /// <summary>Why it turned back.</summary>
    public string Reason { get; init; } = "";

    /// <summary>Whether a tracker refused the destination: that is not tried again soon.</summary>
    public bool WasRefusedByTracker { get; init; }

    public IReadOnlyList<HandoffMember> Members { get; init; } = [];

    [JsonIgnore]
    public bool AnyGone => Members.Any(static member => member.IsGone);

    [JsonIgnore]
    public HandoffGroup Group => new([.. Members.Select(static member => member.InfoHash)], Cause, FreesBytes);

    /// <summary>The same with one member changed.</summary>
    public HandoffEntry With(HandoffMember changed) => this with { Members = [.. Members.Select(member => member.Id == changed.Id ? changed : member)] };
}

/// <summary>One torrent of a group.</summary>
internal sealed record HandoffMember
{
    /// <summary>The torrent's id, hexadecimal.</summary>
    public required string Id { get; init; }

    /// <summary>The client's handle.</summary>
    public required string ClientId { get; init; }

    public required string Name { get; init; }

    /// <summary>The selection that is complete there, packed.</summary>
    public byte[] Selection { get; init; } = [];

    /// <summary>Whether it was found complete there: then more of it may be there than is wanted here.</summary>
    public bool WasAdopted { get; init; }

    /// <summary>Whether it was active here before it was stopped: what the user had stopped stays so.</summary>
    public bool WasActive { get; init; }

    /// <summary>What is complete there; null when that is not known.</summary>
    public Selection? GetSelectionThere(TorrentManifest manifest) =>
        Selection.Length > 0 && Torrents.Selection.TryFromBytes(manifest, Selection, out var there) ? there : null;

    /// <summary>Whether what is wanted here now is what is complete there.</summary>
    public bool Agrees(TorrentManifest manifest, Selection here) =>
        GetSelectionThere(manifest) is { } there && (WasAdopted ? there.Covers(here) : there.Equals(here));

    /// <summary>Whether it has trackers.</summary>
    public bool HasTrackers { get; init; }

    /// <summary>When it was added here, so that a later one is known for another.</summary>
    public DateTimeOffset? AddedAt { get; init; }

    /// <summary>Whether it is gone from the client here.</summary>
    public bool IsGone { get; init; }

    /// <summary>Whether somebody else removed it.</summary>
    public bool WasRemoved { get; init; }

    /// <summary>Name of the proof that the delete rests on.</summary>
    public byte[] ProofId { get; init; } = [];

    /// <summary>When that proof was asked for.</summary>
    public DateTimeOffset? ProvenAt { get; init; }

    /// <summary>Bytes that the destination has read back from its disk.</summary>
    public long BytesReadBack { get; init; }

    [JsonIgnore]
    public InfoHash InfoHash => InfoHash.Parse(Id);

    [JsonIgnore]
    public Ports.ClientTorrentId Handle => new(ClientId);
}

[JsonSourceGenerationOptions(WriteIndented = true, UseStringEnumConverter = true, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(HandoffEntry))]
internal sealed partial class HandoffJsonContext : JsonSerializerContext;
