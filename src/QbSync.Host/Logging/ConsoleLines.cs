using System.Globalization;
using System.Text;
using Microsoft.Extensions.Logging;

namespace QbSync.Host.Logging;

/// <summary>
/// Log lines for people: time, level, category, text; control characters escaped, so that a name in a torrent cannot fake a line.
/// Thread-safe; a line is written whole.
/// </summary>
internal sealed class ConsoleLines(TextWriter output, LogLevel least, TimeProvider time) : ILoggerProvider
{
    private readonly Lock _gate = new();

    public static LogLevel ParseLevel(string name) => name switch
    {
        "trace" => LogLevel.Trace,
        "debug" => LogLevel.Debug,
        "warn" or "warning" => LogLevel.Warning,
        "error" => LogLevel.Error,
        _ => LogLevel.Information,
    };

    // The web server's own lines would drown ours: of them, only trouble is shown, and all of them at trace.
    public ILogger CreateLogger(string categoryName) => new Line(
        this,
        categoryName[(categoryName.LastIndexOf('.') + 1)..],
        categoryName.StartsWith("QbSync.", StringComparison.Ordinal) || least == LogLevel.Trace ? least : Max(least, LogLevel.Warning));

    public void Dispose()
    {
    }

    private void Write(LogLevel level, string category, string message, Exception? error)
    {
        var text = new StringBuilder(160);
        text.Append(time.GetUtcNow().ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture));
        text.Append(' ').Append(Name(level)).Append(' ').Append(category).Append(": ");
        AppendEscaped(text, message);
        if (error is not null)
        {
            text.Append(" | ").Append(error.GetType().Name).Append(": ");
            AppendEscaped(text, least <= LogLevel.Debug ? error.ToString() : error.Message);
        }

        lock (_gate)
        {
            output.WriteLine(text);
        }
    }

    private static string Name(LogLevel level) => level switch
    {
        LogLevel.Trace => "trace",
        LogLevel.Debug => "debug",
        LogLevel.Information => "info ",
        LogLevel.Warning => "warn ",
        _ => "error",
    };

    private static void AppendEscaped(StringBuilder text, string message)
    {
        foreach (var c in message)
        {
            if (char.GetUnicodeCategory(c) is UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.LineSeparator)
            {
                text.Append(CultureInfo.InvariantCulture, $"\\u{(int)c:x4}");
            }
            else
            {
                text.Append(c);
            }
        }
    }

    private static LogLevel Max(LogLevel a, LogLevel b) => a > b ? a : b;

    private sealed class Line(ConsoleLines owner, string category, LogLevel level) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel >= level && logLevel != LogLevel.None;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (IsEnabled(logLevel))
            {
                owner.Write(logLevel, category, formatter(state, exception), exception);
            }
        }
    }
}
