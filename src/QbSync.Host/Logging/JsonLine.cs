using System.Globalization;
using System.Text;
using System.Text.Json;

namespace QbSync.Host.Logging;

/// <summary>A log line for programs: a document with <c>ts level event id phase message</c>, <c>hash</c> and <c>name</c> of a torrent, and the message's values.</summary>
internal static class JsonLine
{
    private static readonly HashSet<string> Own = ["ts", "level", "event", "id", "phase", "hash", "name", "message", "error"];

    public static string Format(LogEntry entry, Redactor redactor)
    {
        using var stream = new MemoryStream(256);
        using (var json = new Utf8JsonWriter(stream))
        {
            json.WriteStartObject();
            json.WriteString("ts", entry.At.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture));
            json.WriteString("level", entry.LevelName);
            if (entry.Event.Name is { } name)
            {
                json.WriteString("event", name);
            }

            json.WriteNumber("id", entry.Event.Id);
            json.WriteString("phase", entry.Part);
            if (entry.Torrent is { } torrent)
            {
                json.WriteString("hash", torrent.ToString());
            }

            if (entry.Name is { } called)
            {
                json.WriteString("name", redactor.Redact(called));
            }

            json.WriteString("message", redactor.Redact(entry.Message));
            WriteFields(json, entry, redactor);
            if (entry.Error is { } error)
            {
                json.WriteStartObject("error");
                json.WriteString("type", error.GetType().Name);
                json.WriteString("message", redactor.Redact(error.Message));
                json.WriteString("stack", redactor.Redact(error.StackTrace ?? ""));
                json.WriteEndObject();
            }

            json.WriteEndObject();
        }

        return Encoding.UTF8.GetString(stream.GetBuffer(), 0, (int)stream.Length);
    }

    private static void WriteFields(Utf8JsonWriter json, LogEntry entry, Redactor redactor)
    {
        var taken = new HashSet<string>(Own);
        foreach (var (key, value) in entry.Rest)
        {
            // A value may have the name of one of ours, or of another; each key is there once.
            var name = char.ToLowerInvariant(key[0]) + key[1..];
            while (!taken.Add(name))
            {
                name += "_";
            }

            switch (value)
            {
                case null:
                    json.WriteNull(name);
                    break;
                case bool truth:
                    json.WriteBoolean(name, truth);
                    break;
                case sbyte or byte or short or ushort or int or uint or long:
                    json.WriteNumber(name, Convert.ToInt64(value, CultureInfo.InvariantCulture));
                    break;
                case ulong big:
                    json.WriteNumber(name, big);
                    break;
                case double number when double.IsFinite(number):
                    json.WriteNumber(name, number);
                    break;
                case TimeSpan time:
                    json.WriteNumber(name + "Seconds", time.TotalSeconds);
                    break;
                default:
                    json.WriteString(name, redactor.Redact(Convert.ToString(value, CultureInfo.InvariantCulture) ?? ""));
                    break;
            }
        }
    }
}
