using System.Text.Json.Serialization;
using QbSync.QBittorrent.Models;

namespace QbSync.QBittorrent.Json;

/// <summary>Readers made at build time; lenient as to the form of a value, strict as to the shape of the whole.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    GenerationMode = JsonSourceGenerationMode.Metadata,
    MaxDepth = 32,
    Converters =
    [
        typeof(LenientInt64Converter), typeof(LenientDoubleConverter), typeof(LenientBooleanConverter), typeof(LenientStringConverter),
    ])]
[JsonSerializable(typeof(TrackerRecord))]
[JsonSerializable(typeof(LogRecord))]
[JsonSerializable(typeof(TorrentPropertiesRecord))]
[JsonSerializable(typeof(Dictionary<string, CategoryRecord>))]
[JsonSerializable(typeof(BuildInfoRecord))]
[JsonSerializable(typeof(AppPreferencesRecord))]
[JsonSerializable(typeof(AddAnswerRecord))]
internal sealed partial class QBittorrentJsonContext : JsonSerializerContext;

/// <summary>Answer of <c>torrents/add</c> from 5.2 on.</summary>
internal sealed record AddAnswerRecord
{
    public long? SuccessCount { get; init; }

    public long? PendingCount { get; init; }
}
