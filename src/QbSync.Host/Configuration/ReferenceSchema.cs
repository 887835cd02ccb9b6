using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace QbSync.Host.Configuration;

/// <summary>The JSON schema of the configuration file, made from the catalog.</summary>
internal static class ReferenceSchema
{
    /// <summary>Where it is kept in the repository.</summary>
    public const string Path = "docs/config.schema.json";

    // Of units it says which are there, so that an editor shows a mistake; what is out of range the program tells.
    private const string Number = @"\d+(\.\d+)?|\.\d+";

    public static string Make()
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream, new JsonWriterOptions { Indented = true, NewLine = "\n", Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            json.WriteStartObject();
            json.WriteString("$schema", "https://json-schema.org/draft/2020-12/schema");
            json.WriteString("title", "Configuration of QbSync");
            json.WriteString("type", "object");
            json.WriteBoolean("additionalProperties", false);
            json.WriteStartObject("properties");
            json.WriteStartObject("$schema");
            json.WriteString("type", "string");
            json.WriteEndObject();
            WriteRole(json, "source", Roles.Source);
            WriteRole(json, "destination", Roles.Destination);
            json.WriteEndObject();
            json.WriteEndObject();
        }

        return Encoding.UTF8.GetString(stream.GetBuffer(), 0, (int)stream.Length) + "\n";
    }

    private static void WriteRole(Utf8JsonWriter json, string name, Roles role)
    {
        json.WriteStartObject(name);
        json.WriteString("type", "object");
        json.WriteBoolean("additionalProperties", false);
        json.WriteStartObject("properties");
        foreach (var option in OptionCatalog.For(role))
        {
            WriteOption(json, option);
            if (option.IsSecret)
            {
                json.WriteStartObject(option.Name + "-file");
                json.WriteString("description", $"File with the value of {option.Name}.");
                json.WriteString("type", "string");
                json.WriteEndObject();
            }
        }

        json.WriteEndObject();
        json.WriteEndObject();
    }

    private static void WriteOption(Utf8JsonWriter json, OptionDefinition option)
    {
        json.WriteStartObject(option.Name);
        json.WriteString("description", option.Help);
        switch (option.Kind)
        {
            case OptionKind.Boolean:
                WriteTypes(json, "boolean", "string");
                json.WriteString("pattern", "^(true|false|1|0)$");
                break;
            case OptionKind.Integer:
                WriteTypes(json, "integer", "string");
                WriteBounds(json, option);
                json.WriteString("pattern", @"^[+-]?\d+$");
                break;
            case OptionKind.Duration:
                WriteTypes(json, "number", "string");
                json.WriteString("pattern", $"^({Number}|(({Number})(ms|d|h|m|s))+)$");
                break;
            case OptionKind.Size:
                WriteTypes(json, "number", "string");
                json.WriteString("pattern", $"^({Number})([KMGT]i?B|B)?$");
                break;
            case OptionKind.Rate:
                WriteTypes(json, "number", "string");
                json.WriteString("pattern", $"^({Number})(([KMGT]i?B|B|[KMG]?bit)/s)?$");
                break;
            case OptionKind.Address:
                WriteTypes(json, "integer", "string");
                break;
            case OptionKind.List:
                WriteTypes(json, "array");
                json.WriteStartObject("items");
                json.WriteString("type", "string");
                json.WriteEndObject();
                break;
            case OptionKind.Json:
                WriteTypes(json, "array", "string");
                WriteEntries(json, option.Keys);
                break;
            case OptionKind.Choice:
                WriteTypes(json, "string");
                WriteChoices(json, option.MayBeEmpty ? [""] : [], option.Choices);
                break;
            case OptionKind.Octal:
                WriteTypes(json, "string");
                json.WriteString("pattern", "^[0-7]{0,4}$");
                break;
            default:
                WriteTypes(json, "string");
                break;
        }

        if (option.Default.Length > 0)
        {
            WriteDefault(json, option);
        }

        json.WriteEndObject();
    }

    private static void WriteEntries(Utf8JsonWriter json, IReadOnlyList<EntryKey> keys)
    {
        json.WriteStartObject("items");
        json.WriteString("type", "object");
        json.WriteBoolean("additionalProperties", false);
        json.WriteStartObject("properties");
        foreach (var key in keys)
        {
            json.WriteStartObject(key.Name);
            json.WriteString("description", key.Help);
            WriteTypes(json, key.Kind == EntryKind.Texts ? "array" : "string");
            if (key.Kind == EntryKind.Texts)
            {
                json.WriteStartObject("items");
                WriteTypes(json, "string");
            }

            if (key.Choices.Count > 0)
            {
                WriteChoices(json, [], key.Choices);
            }

            if (key.Kind == EntryKind.Texts)
            {
                json.WriteEndObject();
            }

            json.WriteEndObject();
        }

        json.WriteEndObject();
        json.WriteEndObject();
    }

    private static void WriteDefault(Utf8JsonWriter json, OptionDefinition option)
    {
        json.WritePropertyName("default");
        if (option.Kind is OptionKind.Boolean or OptionKind.Integer)
        {
            json.WriteRawValue(option.Default);
        }
        else
        {
            json.WriteStringValue(option.Default);
        }
    }

    private static void WriteTypes(Utf8JsonWriter json, params string[] types)
    {
        if (types is [var only])
        {
            json.WriteString("type", only);
            return;
        }

        json.WriteStartArray("type");
        foreach (var type in types)
        {
            json.WriteStringValue(type);
        }

        json.WriteEndArray();
    }

    private static void WriteChoices(Utf8JsonWriter json, IReadOnlyList<string> more, IReadOnlyList<string> choices)
    {
        json.WriteStartArray("enum");
        foreach (var choice in more.Concat(choices))
        {
            json.WriteStringValue(choice);
        }

        json.WriteEndArray();
    }

    private static void WriteBounds(Utf8JsonWriter json, OptionDefinition option)
    {
        if (option.Min.Length > 0)
        {
            json.WritePropertyName("minimum");
            json.WriteRawValue(option.Min);
        }

        if (option.Max.Length > 0)
        {
            json.WritePropertyName("maximum");
            json.WriteRawValue(option.Max);
        }
    }
}
