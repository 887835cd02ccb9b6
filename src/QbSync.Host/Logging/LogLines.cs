using Microsoft.Extensions.Logging;

namespace QbSync.Host.Logging;

/// <summary>
/// Log lines of one role, in the format that its user chose: nothing secret in them, and a warning that repeats itself once in a while. Thread-safe; a line is
/// written whole.
/// </summary>
internal sealed class LogLines(TextWriter output, LogFormat format, LogLevel least, Redactor redactor, TimeProvider time) : ILoggerProvider
{
    private readonly Lock _gate = new();
    private readonly RepeatGate _repeats = new(time);
    private volatile LogLevel _least = least;
    private volatile Redactor _redactor = redactor;

    /// <summary>Least level of a line; may be changed at any time.</summary>
    public LogLevel Least
    {
        get => _least;
        set => _least = value;
    }

    /// <summary>Hides what nobody may read; may be changed at any time.</summary>
    public Redactor Redactor
    {
        get => _redactor;
        set => _redactor = value;
    }

    /// <summary>The level of that name, as options have it.</summary>
    public static LogLevel ParseLevel(string name) => name switch
    {
        "trace" => LogLevel.Trace,
        "debug" => LogLevel.Debug,
        "info" => LogLevel.Information,
        "warn" or "warning" => LogLevel.Warning,
        "error" => LogLevel.Error,
        _ => throw new ArgumentOutOfRangeException(nameof(name), name, "No level has this name."),
    };

    public ILogger CreateLogger(string categoryName) => new Line(this, categoryName);

    /// <summary>Says how often warnings came that were not written.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            foreach (var held in _repeats.TakeAll())
            {
                Write_NeedsLock(held);
            }
        }
    }

    // The web server's own lines would drown ours: of them, only trouble is shown, and all of them at trace.
    private bool IsShown(bool isOurs, LogLevel level)
    {
        var least = _least;
        return level != LogLevel.None && level >= (isOurs || least == LogLevel.Trace || least > LogLevel.Warning ? least : LogLevel.Warning);
    }

    private void Write(LogEntry entry)
    {
        lock (_gate)
        {
            foreach (var held in _repeats.TakeDue())
            {
                Write_NeedsLock(held);
            }

            if (_repeats.Allows(entry))
            {
                Write_NeedsLock(entry);
            }
        }
    }

    private void Write_NeedsLock(LogEntry entry) => output.WriteLine(
        format == LogFormat.Json ? JsonLine.Format(entry, _redactor) : ConsoleLine.Format(entry, _redactor, withTraces: _least <= LogLevel.Debug));

    private sealed class Line(LogLines owner, string category) : ILogger
    {
        private readonly string _part = category[(category.LastIndexOf('.') + 1)..];
        private readonly bool _isOurs = category.StartsWith("QbSync.", StringComparison.Ordinal);

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => owner.IsShown(_isOurs, logLevel);

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            var isCutOff = !_isOurs && IsCutOff(eventId, exception);
            logLevel = isCutOff ? LogLevel.Debug : logLevel;
            if (owner.IsShown(_isOurs || isCutOff, logLevel))
            {
                owner.Write(new LogEntry(
                    owner.Now, logLevel, _part, eventId, formatter(state, exception), state as IReadOnlyList<KeyValuePair<string, object?>> ?? [], exception));
            }
        }
    }

    private DateTimeOffset Now => time.GetUtcNow();

    /// <summary>Whether the server complains of somebody who went in the middle of a request: no trouble of this program, whatever the server calls it.</summary>
    private static bool IsCutOff(EventId id, Exception? error) =>
        error is OperationCanceledException or IOException || (error is not null && id.Name == "ErrorReadingMessage");
}

/// <summary>How a log line looks.</summary>
internal enum LogFormat
{
    /// <summary>For people.</summary>
    Console,

    /// <summary>One document a line, for programs.</summary>
    Json,
}
