using System.Text.Json;

namespace QbSync.Host.Tests.Reporting;

/// <summary>Holds a JSON document against a schema, as far as ours goes. A word of the schema that is not known here is a failure.</summary>
internal sealed class SchemaCheck(JsonElement root)
{
    private readonly List<string> _faults = [];

    public static IReadOnlyList<string> Find(byte[] document, string schema)
    {
        using var rules = JsonDocument.Parse(schema);
        using var parsed = JsonDocument.Parse(document);
        var check = new SchemaCheck(rules.RootElement);
        check.Check(parsed.RootElement, rules.RootElement, "$");
        return check._faults;
    }

    private void Check(JsonElement value, JsonElement rules, string where)
    {
        foreach (var rule in rules.EnumerateObject())
        {
            switch (rule.Name)
            {
                case "$schema" or "title" or "description" or "$defs" or "properties":
                    break;
                case "$ref":
                    Check(value, root.GetProperty("$defs").GetProperty(rule.Value.GetString()!["#/$defs/".Length..]), where);
                    break;
                case "type":
                    var types = rule.Value.ValueKind == JsonValueKind.Array ? rule.Value.EnumerateArray().Select(type => type.GetString()) : [rule.Value.GetString()];
                    Verify(types.Any(type => IsOf(value, type!)), where, $"{value.ValueKind} is not {rule.Value}");
                    break;
                case "enum":
                    Verify(value.ValueKind == JsonValueKind.String && rule.Value.EnumerateArray().Any(one => one.GetString() == value.GetString()), where, $"{value} is none of {rule.Value}");
                    break;
                case "anyOf":
                    Verify(rule.Value.EnumerateArray().Any(one => Fits(value, one)), where, "none fits");
                    break;
                case "maxItems":
                    Verify(value.ValueKind != JsonValueKind.Array || value.GetArrayLength() <= rule.Value.GetInt32(), where, "too many");
                    break;
                case "items" when value.ValueKind == JsonValueKind.Array:
                    foreach (var (i, item) in value.EnumerateArray().Index())
                    {
                        Check(item, rule.Value, $"{where}[{i}]");
                    }

                    break;
                case "items":
                    break;
                case "required":
                    foreach (var name in rule.Value.EnumerateArray())
                    {
                        Verify(value.TryGetProperty(name.GetString()!, out _), where, $"{name} is missing");
                    }

                    break;
                case "additionalProperties":
                    foreach (var property in value.EnumerateObject())
                    {
                        var inner = $"{where}.{property.Name}";
                        if (rules.TryGetProperty("properties", out var known) && known.TryGetProperty(property.Name, out var of))
                        {
                            Check(property.Value, of, inner);
                        }
                        else if (rule.Value.ValueKind == JsonValueKind.Object)
                        {
                            Check(property.Value, rule.Value, inner);
                        }
                        else
                        {
                            _faults.Add($"{inner}: not in the schema");
                        }
                    }

                    break;
                default:
                    _faults.Add($"{where}: the schema has {rule.Name}, which is not known here");
                    break;
            }
        }
    }

    private bool Fits(JsonElement value, JsonElement rules)
    {
        var check = new SchemaCheck(root);
        check.Check(value, rules, "");
        return check._faults.Count == 0;
    }

    private void Verify(bool holds, string where, string what)
    {
        if (!holds)
        {
            _faults.Add($"{where}: {what}");
        }
    }

    private static bool IsOf(JsonElement value, string type) => type switch
    {
        "null" => value.ValueKind == JsonValueKind.Null,
        "string" => value.ValueKind == JsonValueKind.String,
        "boolean" => value.ValueKind is JsonValueKind.True or JsonValueKind.False,
        "integer" => value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out _),
        "number" => value.ValueKind == JsonValueKind.Number,
        "array" => value.ValueKind == JsonValueKind.Array,
        "object" => value.ValueKind == JsonValueKind.Object,
        _ => false,
    };
}
