using System.Text.Json;

namespace QbSync.Host.Configuration;

/// <summary>An array of objects that was given for an option. As text it has no secret. Immutable.</summary>
internal sealed class JsonEntries
{
    private const int LargestFile = 1 << 20;
    private static readonly JsonDocumentOptions Json = new() { CommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true, MaxDepth = 16 };

    private readonly string _text;

    private JsonEntries(string text, IReadOnlyList<JsonElement> all) => (_text, All) = (text, all);

    public static JsonEntries None { get; } = new("", []);

    /// <summary>Each object.</summary>
    public IReadOnlyList<JsonElement> All { get; }

    /// <summary>Reads JSON, or the file that <c>@FILE</c> names; null for what is neither.</summary>
    public static JsonEntries? TryParse(string raw)
    {
        try
        {
            if (raw.StartsWith('@') && new FileInfo(raw[1..]).Length > LargestFile)
            {
                return null;
            }

            var text = raw.StartsWith('@') ? File.ReadAllText(raw[1..]) : raw;
            using var document = JsonDocument.Parse(text, Json);
            return document.RootElement is { ValueKind: JsonValueKind.Array } array && array.EnumerateArray().All(static one => one.ValueKind == JsonValueKind.Object)
                ? new JsonEntries(text, [.. array.Clone().EnumerateArray()])
                : null;
        }
        catch (Exception e) when (e is JsonException or IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            return null;
        }
    }

    public override bool Equals(object? obj) => obj is JsonEntries other && other._text == _text;

    public override int GetHashCode() => _text.GetHashCode(StringComparison.Ordinal);

    /// <summary>How many there are; what is in them may be nobody's business.</summary>
    public override string ToString() => All.Count switch
    {
        0 => "",
        1 => "*** (1 entry)",
        var count => $"*** ({count} entries)",
    };
}
