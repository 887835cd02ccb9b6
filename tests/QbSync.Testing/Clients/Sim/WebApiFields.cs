using System.Reflection;
using System.Text.Json.Nodes;

namespace QbSync.Testing.Clients.Sim;

/// <summary>The fields that records of a WebAPI version have, with an example of each.</summary>
internal sealed class WebApiFields(Version api)
{
    private static readonly Lazy<IReadOnlyList<Field>> All = new(Load);

    private readonly ILookup<string, Field> _fields = All.Value.Where(field => field.From <= api && (field.Until is null || api < field.Until)).ToLookup(static field => field.Kind);

    /// <summary>A record of that kind: the version's fields in order of names, the known values in place of examples.</summary>
    public JsonObject Make(string kind, IReadOnlyDictionary<string, JsonNode?>? values = null, params string[] without) => new(
        _fields[kind].Where(field => !without.Contains(field.Name)).OrderBy(static field => field.Name, StringComparer.Ordinal).Select(field => KeyValuePair.Create(
            field.Name, values is not null && values.TryGetValue(field.Name, out var value) ? value?.DeepClone() : JsonNode.Parse(field.Example))));

    private static List<Field> Load()
    {
        using var stream = Assembly.GetExecutingAssembly().GetManifestResourceStream("WebApiFields.txt")!;
        using var reader = new StreamReader(stream);
        List<Field> fields = [];
        while (reader.ReadLine() is { } line)
        {
            if (!line.StartsWith('#') && line.Split(' ', 5) is [var kind, var name, var from, var until, var example])
            {
                fields.Add(new Field(kind, name, Version.Parse(from), until == "-" ? null : Version.Parse(until), example));
            }
        }

        return fields;
    }

    private sealed record Field(string Kind, string Name, Version From, Version? Until, string Example);
}
