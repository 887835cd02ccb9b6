using Microsoft.Extensions.Logging;
using QbSync.Torrents;

namespace QbSync.Host.Logging;

/// <summary>What one log line says, before it is formatted.</summary>
/// <param name="Part">The part of the program that says it.</param>
/// <param name="Fields">Values of the message by their names, and the message without them.</param>
internal sealed record LogEntry(
    DateTimeOffset At, LogLevel Level, string Part, EventId Event, string Message, IReadOnlyList<KeyValuePair<string, object?>> Fields, Exception? Error)
{
    private const string Template = "{OriginalFormat}";

    /// <summary>The torrent that it is about; null for none.</summary>
    public InfoHash? Torrent { get; } = Fields.Select(static one => one.Value).OfType<InfoHash>().Select(static hash => (InfoHash?)hash).FirstOrDefault();

    /// <summary>The torrent's name, where the message has it.</summary>
    public string? Name { get; } = Fields.FirstOrDefault(static one => one.Key == "Name").Value as string;

    /// <summary>Values that are neither the torrent nor its name.</summary>
    public IEnumerable<KeyValuePair<string, object?>> Rest => Fields.Where(static one => one.Key is not (Template or "Name") && one.Value is not InfoHash);

    /// <summary>How levels are called.</summary>
    public string LevelName => Level switch
    {
        LogLevel.Trace => "trace",
        LogLevel.Debug => "debug",
        LogLevel.Information => "info",
        LogLevel.Warning => "warn",
        _ => "error",
    };
}
