using Microsoft.Extensions.Logging;

namespace QbSync.Engine.Tests.Source.World;

/// <summary>Passes every line on, and tells the test of each before the one who logs goes on.</summary>
internal sealed class TappedLog(ILoggerFactory inner, Action<EventId> told) : ILoggerFactory
{
    public ILogger CreateLogger(string categoryName) => new Line(inner.CreateLogger(categoryName), told);

    public void AddProvider(ILoggerProvider provider) => inner.AddProvider(provider);

    public void Dispose()
    {
        // The inner one is its maker's.
    }

    private sealed class Line(ILogger inner, Action<EventId> told) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => inner.BeginScope(state);

        public bool IsEnabled(LogLevel logLevel) => inner.IsEnabled(logLevel);

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            inner.Log(logLevel, eventId, state, exception, formatter);
            told(eventId);
        }
    }
}
