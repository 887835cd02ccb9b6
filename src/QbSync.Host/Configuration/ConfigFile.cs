using System.Text.Json;

namespace QbSync.Host.Configuration;

/// <summary>
/// A configuration file as it was read: JSON with comments, an object for each role, whose keys are names of options. Immutable.
/// </summary>
/// <param name="path">For messages.</param>
internal sealed class ConfigFile(string path, IReadOnlyDictionary<Roles, IReadOnlyDictionary<string, ConfigEntry>> roles)
{
    /// <summary>Where it is looked for when nobody names one, after the user's own place.</summary>
    public const string SystemPlace = "/etc/qbsync/qbsync.json";

    /// <summary>What help says of the flag that names one.</summary>
    public const string FlagHelp =
        "Configuration file. Default: $QBSYNC_CONFIG, else the first of $XDG_CONFIG_HOME/qbsync/qbsync.json and " + SystemPlace + " that is there.";

    private const string NamedBy = "QBSYNC_CONFIG";
    private const int LargestFile = 1 << 20;

    private static readonly JsonDocumentOptions Json = new() { CommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true, MaxDepth = 16 };

    public string Path { get; } = path;

    /// <summary>Roles that it speaks of.</summary>
    public IEnumerable<Roles> Roles => roles.Keys;

    /// <summary>What it says of a role.</summary>
    public IReadOnlyDictionary<string, ConfigEntry> this[Roles role] => roles.GetValueOrDefault(role) ?? new Dictionary<string, ConfigEntry>();

    /// <summary>
    /// The file that a flag names, else the one that the environment names, else the first that is there of the places where it may be; null for none. One that
    /// was named has to be there.
    /// </summary>
    public static ConfigFile? Find(string? flag, IReadOnlyDictionary<string, string> environment, OptionErrors errors, string systemPlace = SystemPlace)
    {
        if (flag is not null)
        {
            return Read(flag, "flag", errors);
        }

        if (environment.GetValueOrDefault(NamedBy) is { Length: > 0 } named)
        {
            return Read(named, NamedBy, errors);
        }

        var home = environment.GetValueOrDefault("XDG_CONFIG_HOME") is { Length: > 0 } config ? config
            : environment.GetValueOrDefault("HOME") is { Length: > 0 } user ? System.IO.Path.Combine(user, ".config") : null;
        string?[] places = [home is null ? null : System.IO.Path.Combine(home, "qbsync", "qbsync.json"), systemPlace];
        return places.FirstOrDefault(static place => place is not null && File.Exists(place)) is { } found ? Read(found, found, errors) : null;
    }

    /// <param name="origin">Who named the file.</param>
    private static ConfigFile? Read(string path, string origin, OptionErrors errors)
    {
        try
        {
            var full = System.IO.Path.GetFullPath(path);
            if (new FileInfo(full).Length > LargestFile)
            {
                errors.Report("config", origin, $"{path} has more than {LargestFile} bytes", "Name the configuration.");
                return null;
            }

            using var document = JsonDocument.Parse(File.ReadAllBytes(full), Json);
            return new ConfigFile(full, ReadRoles(full, document.RootElement, errors));
        }
        catch (JsonException error)
        {
            errors.Report("config", origin, $"{path} is no JSON: line {error.LineNumber + 1}, byte {error.BytePositionInLine + 1}", "Comments and trailing commas are allowed.");
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            errors.Report("config", origin, $"{path} cannot be read", "Name a file that this user can read.");
        }

        return null;
    }

    private static Dictionary<Roles, IReadOnlyDictionary<string, ConfigEntry>> ReadRoles(string path, JsonElement root, OptionErrors errors)
    {
        Dictionary<Roles, IReadOnlyDictionary<string, ConfigEntry>> roles = [];
        if (root.ValueKind != JsonValueKind.Object)
        {
            errors.Report("config", path, "not an object", "Give { \"source\": { .. } } or { \"destination\": { .. } }.");
            return roles;
        }

        foreach (var part in root.EnumerateObject())
        {
            Roles? role = part.Name switch
            {
                "source" => Configuration.Roles.Source,
                "destination" => Configuration.Roles.Destination,
                _ => null,
            };
            if (role is null)
            {
                // Editors find the schema by this key.
                if (part.Name != "$schema")
                {
                    errors.ReportUnknown($"{path}:", part.Name, ["source", "destination"]);
                }
            }
            else if (part.Value.ValueKind != JsonValueKind.Object)
            {
                errors.Report("config", $"{path}:{part.Name}", "not an object", "Give { \"OPTION\": VALUE, .. }.");
            }
            else if (!roles.TryAdd(role.Value, ReadEntries(path, part, errors)))
            {
                errors.Report("config", $"{path}:{part.Name}", "given more than once", "Give it once.");
            }
        }

        return roles;
    }

    private static Dictionary<string, ConfigEntry> ReadEntries(string path, JsonProperty part, OptionErrors errors)
    {
        Dictionary<string, ConfigEntry> entries = [];
        foreach (var entry in part.Value.EnumerateObject())
        {
            if (!entries.TryAdd(entry.Name, ConfigEntry.Read(entry.Value)))
            {
                errors.Report(entry.Name, $"{path}:{part.Name}.{entry.Name}", "given more than once", "Give it once.");
            }
        }

        return entries;
    }
}

/// <summary>A value in a configuration file.</summary>
/// <param name="Kind">What it is in JSON.</param>
/// <param name="Text">As a flag would say it.</param>
/// <param name="Items">Of an array of texts, each; else null.</param>
internal sealed record ConfigEntry(JsonValueKind Kind, string Text, IReadOnlyList<string>? Items)
{
    public static ConfigEntry Read(JsonElement value)
    {
        string[]? items = value.ValueKind == JsonValueKind.Array && value.EnumerateArray().All(static item => item.ValueKind == JsonValueKind.String)
            ? [.. value.EnumerateArray().Select(static item => item.GetString()!)]
            : null;
        return new ConfigEntry(value.ValueKind, value.ValueKind switch
        {
            JsonValueKind.String => value.GetString()!,
            JsonValueKind.True => "true",
            JsonValueKind.False => "false",
            JsonValueKind.Array when items is not null => string.Join(';', items),
            _ => value.GetRawText(),
        }, items);
    }

    /// <summary>Whether an option of that kind is written so.</summary>
    public bool Fits(OptionKind kind) => Kind switch
    {
        JsonValueKind.String => kind != OptionKind.List,
        JsonValueKind.Number => kind is OptionKind.Duration or OptionKind.Size or OptionKind.Rate or OptionKind.Integer or OptionKind.Address,
        JsonValueKind.True or JsonValueKind.False => kind == OptionKind.Boolean,
        JsonValueKind.Array => kind == OptionKind.Json ? Items is not { Count: > 0 } : kind == OptionKind.List && Items is not null,
        _ => false,
    };
}
