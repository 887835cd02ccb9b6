using System.Collections.Frozen;
using QbSync.Engine.Status;
using QbSync.Host.Configuration;
using QbSync.Host.Notifications.Presets;

namespace QbSync.Host.Notifications;

/// <summary>Reads the entries of <c>webhooks</c> or <c>hooks</c>. What is wrong is reported with its place, and never with a value that may be a secret.</summary>
internal sealed class NotificationReader(Roles role, string option, OptionValues values, OptionErrors errors)
{
    /// <summary>Least length of what signs requests.</summary>
    public const int LeastSecret = 16;

    private const int LongestName = 32;

    private readonly string _origin = values.GetOrigin(option);
    private readonly HashSet<string> _names = [];

    /// <param name="common">Secret of those that have none of their own.</param>
    public IEnumerable<Webhook> ReadWebhooks(string common)
    {
        foreach (var entry in Entries(NotificationKeys.Webhook))
        {
            var name = ReadName(entry, "webhook");
            var preset = Enum.Parse<Preset>(entry.Choice("preset") ?? nameof(Preset.Generic), ignoreCase: true);
            var isImporter = preset is Preset.Sonarr or Preset.Radarr or Preset.Lidarr;
            var events = ReadEvents(entry, isImporter ? [EngineEventKind.TorrentSynced] : Enum.GetValues<EngineEventKind>());
            var url = ReadUrl(entry);
            var (secret, key) = (ReadSecret(entry, "secret-file"), ReadSecret(entry, "key-file"));
            if (isImporter && role == Roles.Source)
            {
                entry.Report("preset", $"{entry.Text("preset")} imports what is at a destination", "Give it to the destination.");
            }

            if (isImporter && !events.SetEquals([EngineEventKind.TorrentSynced]))
            {
                entry.Report("events", "an importer is told of torrent.synced only", "Leave events out.");
            }

            if (isImporter && !entry.Has("key-file"))
            {
                entry.Report("key-file", "not set", "Name a file with the API key.");
            }

            if (!key.All(static c => c is > ' ' and < '\x7f'))
            {
                entry.Report("key-file", "not one line of printable characters", "Name a file with the key alone.");
            }

            if (key.Length > 0 && entry.IsGood && preset is not Preset.Ntfy && !isImporter)
            {
                entry.Report("key-file", $"{preset.ToString().ToLowerInvariant()} has no key", "Leave it out.");
            }

            if (secret.Length > 0 && entry.IsGood && preset != Preset.Generic)
            {
                entry.Report("secret-file", "only generic requests are signed", "Leave it out.");
            }
            else if (secret.Length is > 0 and < LeastSecret)
            {
                entry.Report("secret-file", "too short", $"Give {LeastSecret} characters or more.");
            }

            if (preset == Preset.Ntfy && url is not null && Ntfy.TopicOf(url).Length == 0)
            {
                entry.Report("url", "no topic in it", "Give an address like https://HOST/TOPIC.");
            }

            if (url is not null)
            {
                yield return new Webhook(name, events, entry.Texts("category"), preset, url)
                {
                    Secret = preset != Preset.Generic ? "" : secret.Length > 0 ? secret : common,
                    Key = key,
                };
            }
        }
    }

    public IEnumerable<Hook> ReadHooks()
    {
        foreach (var entry in Entries(NotificationKeys.Hook))
        {
            var name = ReadName(entry, "hook");
            var events = ReadEvents(entry, Enum.GetValues<EngineEventKind>());
            var program = entry.Text("program");
            if (!entry.Has("program"))
            {
                entry.Report("program", "not set", "Name a program.");
            }
            else if (program.Length > 0 && !Path.IsPathFullyQualified(program))
            {
                entry.Report("program", $"\"{program}\" is no full path", "Name it from / on: it is not looked for.");
            }
            else if (program.Length > 0 && !IsProgram(program))
            {
                entry.Report("program", $"\"{program}\" is no file that can be run", "Name a program, and make it executable.");
            }

            yield return new Hook(name, events, entry.Texts("category"), program, entry.Texts("args"));
        }
    }

    private IEnumerable<EntryValues> Entries(IReadOnlyList<EntryKey> keys) =>
        values.Entries(option).All.Select((entry, index) => new EntryValues(option, _origin, index, entry, keys, errors));

    private string ReadName(EntryValues entry, string sort)
    {
        var name = entry.Has("name") ? entry.Text("name") : $"{sort}-{entry.Index + 1}";
        if (name.Length is 0 or > LongestName || !name.All(static c => c is (>= 'a' and <= 'z') or (>= '0' and <= '9') or '-'))
        {
            entry.Report("name", "not a name", $"Use a-z, 0-9 and -, {LongestName} at most.");
        }
        else if (name == "webhook-url" || !_names.Add(name))
        {
            entry.Report("name", $"{name} is there already", "Give each a name of its own.");
        }

        return name;
    }

    private static FrozenSet<EngineEventKind> ReadEvents(EntryValues entry, IEnumerable<EngineEventKind> all) =>
        (entry.Has("events") ? entry.Texts("events").SelectMany(EventNames.Find) : all).ToFrozenSet();

    private static Uri? ReadUrl(EntryValues entry)
    {
        if (entry.Has("url") == entry.Has("url-file"))
        {
            entry.Report("url", entry.Has("url") ? "set by url and by url-file" : "not set", "Set one of url and url-file.");
            return null;
        }

        var isFile = entry.Has("url-file");
        var text = isFile ? ReadSecret(entry, "url-file") : entry.Text("url");
        if (Units.TryParseUrl(text, out var url))
        {
            return url;
        }

        if (text.Length > 0 || !isFile)
        {
            entry.Report(isFile ? "url-file" : "url", "no address", "Give one with http or https, without user name or password in it.");
        }

        return null;
    }

    /// <summary>What a file has; empty, and reported, where it has nothing.</summary>
    private static string ReadSecret(EntryValues entry, string key)
    {
        if (!entry.Has(key))
        {
            return "";
        }

        var path = entry.Text(key);
        try
        {
            if (path.Length > 0 && Secret.ReadFile(path) is { Length: > 0 } secret)
            {
                return secret;
            }

            entry.Report(key, path.Length == 0 ? "empty" : $"{path} is empty", "Name a file that has it.");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            entry.Report(key, $"{path} cannot be read", "Name a file that this user can read.");
        }

        return "";
    }

    private static bool IsProgram(string path) => File.Exists(path)
        && (OperatingSystem.IsWindows() || (File.GetUnixFileMode(path) & (UnixFileMode.UserExecute | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute)) != 0);
}
