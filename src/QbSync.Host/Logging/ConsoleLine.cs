using System.Globalization;
using System.Text;

namespace QbSync.Host.Logging;

/// <summary>A log line for people: <c>time level part [hash] text</c>.</summary>
internal static class ConsoleLine
{
    private const int HashBegin = 8;
    private const int LevelWidth = 5;

    /// <param name="withTraces">Whether an exception is written with its stack.</param>
    public static string Format(LogEntry entry, Redactor redactor, bool withTraces)
    {
        var text = new StringBuilder(160);
        text.Append(entry.At.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture));
        text.Append(' ').Append(entry.LevelName.PadRight(LevelWidth)).Append(' ').Append(entry.Part);
        if (entry.Torrent is { } torrent)
        {
            text.Append(" [").Append(torrent.ToString().AsSpan(0, HashBegin)).Append(']');
        }

        text.Append(": ");
        PlainText.Append(text, redactor.Redact(entry.Message));
        if (entry.Error is { } error)
        {
            text.Append(" | ").Append(error.GetType().Name).Append(": ");
            PlainText.Append(text, redactor.Redact(withTraces ? error.ToString() : error.Message));
        }

        return text.ToString();
    }
}
