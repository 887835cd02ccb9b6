using System.Text.Json;

namespace QbSync.Host.Configuration;

/// <summary>The values of one entry in an option that is an array of objects: names that are not known and values of another kind are reported at once.</summary>
internal sealed class EntryValues
{
    private readonly string _option;
    private readonly string _origin;
    private readonly OptionErrors _errors;
    private readonly Dictionary<string, JsonElement> _values = [];

    /// <param name="origin">Where the option is from.</param>
    public EntryValues(string option, string origin, int index, JsonElement entry, IReadOnlyList<EntryKey> keys, OptionErrors errors)
    {
        (_option, _origin, Index, _errors) = (option, origin, index, errors);
        string[] names = [.. keys.Select(static key => key.Name)];
        foreach (var property in entry.EnumerateObject())
        {
            if (keys.FirstOrDefault(key => key.Name == property.Name) is not { } key)
            {
                Report(property.Name, "no such key", $"The closest is {NameDistance.FindClosest(property.Name, names)}.");
            }
            else if (!_values.TryAdd(key.Name, property.Value))
            {
                Report(key.Name, "given more than once", "Give it once.");
            }
            else
            {
                Check(key, property.Value);
            }
        }
    }

    /// <summary>Whether nothing of it was reported.</summary>
    public bool IsGood { get; private set; } = true;

    /// <summary>Its place in the list, from 0 on.</summary>
    public int Index { get; }

    public bool Has(string key) => _values.ContainsKey(key);

    /// <summary>A text; empty where there is none.</summary>
    public string Text(string key) => _values.TryGetValue(key, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString()! : "";

    /// <summary>One of the choices; null where there is none.</summary>
    public string? Choice(string key) => _values.ContainsKey(key) && Text(key) is { Length: > 0 } text ? text : null;

    /// <summary>Texts; none where there is none.</summary>
    public IReadOnlyList<string> Texts(string key) => _values.TryGetValue(key, out var value) && IsTexts(value)
        ? [.. value.EnumerateArray().Select(static one => one.GetString()!)]
        : [];

    /// <param name="problem">Without a full stop.</param>
    public void Report(string key, string problem, string remedy)
    {
        IsGood = false;
        _errors.Report(_option, $"{_origin}[{Index}].{key}", problem, remedy);
    }

    private void Check(EntryKey key, JsonElement value)
    {
        if (key.Kind == EntryKind.Texts ? !IsTexts(value) : value.ValueKind != JsonValueKind.String)
        {
            _values.Remove(key.Name);
            Report(key.Name, key.Kind == EntryKind.Texts ? "not an array of texts" : "not a text", key.Help);
            return;
        }

        if (key.Choices.Count == 0)
        {
            return;
        }

        foreach (var text in key.Kind == EntryKind.Texts ? Texts(key.Name) : [Text(key.Name)])
        {
            if (!key.Choices.Contains(text))
            {
                Report(key.Name, $"\"{text}\" is not known", $"The closest is {NameDistance.FindClosest(text, key.Choices)}.");
                if (key.Kind != EntryKind.Texts)
                {
                    _values.Remove(key.Name);
                }
            }
        }
    }

    private static bool IsTexts(JsonElement value) =>
        value.ValueKind == JsonValueKind.Array && value.EnumerateArray().All(static one => one.ValueKind == JsonValueKind.String);
}
