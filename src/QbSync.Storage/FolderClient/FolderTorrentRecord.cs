using System.Text.Json.Serialization;
using QbSync.Torrents;

namespace QbSync.Storage.FolderClient;

/// <summary>What is kept of a torrent beside its <c>.torrent</c>. Read, and written, by people, too: what they leave out is read as nothing.</summary>
internal sealed record FolderTorrentRecord
{
    /// <summary>The version that this build writes; a higher one is refused.</summary>
    public const int CurrentVersion = 1;

    /// <summary>Value of <see cref="Have"/> for every piece.</summary>
    public const string Everything = "all";

    public int Version { get; init; } = CurrentVersion;

    public required string SavePath { get; init; }

    public ContentLayout Layout { get; init; }

    public string Category { get; init => field = value ?? ""; } = "";

    public IReadOnlyList<string> Tags { get; init => field = value ?? []; } = [];

    public bool Stopped { get; init; }

    /// <summary>Files were gone at the last look that asked for them.</summary>
    public bool MissingFiles { get; init; }

    /// <summary>A check was under way; it begins again.</summary>
    public bool Checking { get; init; }

    /// <summary>Files that are not selected, by their place in the manifest.</summary>
    public IReadOnlyList<int> Unwanted { get; init => field = value ?? []; } = [];

    /// <summary>Files with other names than the manifest gives them, by their place there.</summary>
    public IReadOnlyDictionary<int, string> Renamed { get; init => field = value ?? new Dictionary<int, string>(); } = new Dictionary<int, string>();

    /// <summary>A number, -1 for no limit, -2 for the client's setting, which it does not have: kept for those who ask, and not acted on.</summary>
    public double RatioLimit { get; init; } = -2;

    /// <summary>As <see cref="RatioLimit"/>, in minutes of seeding.</summary>
    public double SeedingLimit { get; init; } = -2;

    /// <summary>As <see cref="RatioLimit"/>, in minutes without upload.</summary>
    public double InactiveLimit { get; init; } = -2;

    public DateTimeOffset AddedAt { get; init; }

    public DateTimeOffset? CompletedAt { get; init; }

    /// <summary>Verified pieces as packed bits in base 64, or <see cref="Everything"/>.</summary>
    public string Have { get; init => field = value ?? ""; } = "";
}

/// <summary>What is kept of the client itself.</summary>
internal sealed record FolderClientRecord
{
    public int Version { get; init; } = FolderTorrentRecord.CurrentVersion;

    public IReadOnlyList<string> Categories { get; init => field = value ?? []; } = [];
}

[JsonSourceGenerationOptions(WriteIndented = true, PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, UseStringEnumConverter = true)]
[JsonSerializable(typeof(FolderTorrentRecord))]
[JsonSerializable(typeof(FolderClientRecord))]
internal sealed partial class FolderClientJson : JsonSerializerContext;
