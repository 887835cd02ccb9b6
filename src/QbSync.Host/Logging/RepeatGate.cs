using Microsoft.Extensions.Logging;
using QbSync.Torrents;

namespace QbSync.Host.Logging;

/// <summary>
/// Lets a warning about a torrent pass once in 30 seconds and counts those between; without a torrent, one with the same text. When the time is over, how many
/// were held is said with the next line, whatever that is about. Errors always pass. Not thread-safe.
/// </summary>
internal sealed class RepeatGate(TimeProvider time)
{
    public static readonly TimeSpan Window = TimeSpan.FromSeconds(30);

    // More kinds of warnings at once than that are all written.
    private const int Most = 4096;

    private readonly Dictionary<Key, Held> _held = [];
    private readonly Queue<(Key Key, long Since)> _order = new();

    /// <summary>Whether the line is to be written.</summary>
    public bool Allows(LogEntry entry)
    {
        if (entry.Level != LogLevel.Warning)
        {
            return true;
        }

        var key = new Key(entry.Event.Id, entry.Part, entry.Torrent, entry.Torrent is null ? entry.Message : "");
        if (_held.TryGetValue(key, out var held))
        {
            (held.Count, held.Last) = (held.Count + 1, entry);
            return false;
        }

        if (_held.Count < Most)
        {
            _held.Add(key, new Held());
            _order.Enqueue((key, time.GetTimestamp()));
        }

        return true;
    }

    /// <summary>Lines for what was held and whose time is over.</summary>
    public IEnumerable<LogEntry> TakeDue()
    {
        while (_order.TryPeek(out var oldest) && time.GetElapsedTime(oldest.Since) >= Window)
        {
            if (Take() is { } line)
            {
                yield return line;
            }
        }
    }

    /// <summary>Lines for all that was held.</summary>
    public IEnumerable<LogEntry> TakeAll()
    {
        while (_order.Count > 0)
        {
            if (Take() is { } line)
            {
                yield return line;
            }
        }
    }

    private LogEntry? Take()
    {
        _held.Remove(_order.Dequeue().Key, out var held);
        return held is { Last: { } last }
            ? last with { Message = held.Count == 1 ? last.Message : $"{last.Message} ({held.Count} such warnings since the last one was written)" }
            : null;
    }

    private readonly record struct Key(int Event, string Part, InfoHash? Torrent, string Text);

    private sealed class Held
    {
        public int Count { get; set; }

        public LogEntry? Last { get; set; }
    }
}
