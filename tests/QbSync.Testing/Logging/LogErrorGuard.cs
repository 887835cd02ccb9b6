using Microsoft.Extensions.Logging;

namespace QbSync.Testing.Logging;

/// <summary>
/// A logger factory that keeps what is logged. <see cref="Verify"/>, called at tear-down, fails the test on an error that it did not expect
/// and prints the log of a test that failed. Thread-safe.
/// </summary>
public sealed class LogErrorGuard : ILoggerFactory
{
    private readonly Lock _gate = new();
    private readonly List<LogEntry> _entries = [];
    private readonly List<Func<LogEntry, bool>> _expected = [];

    /// <summary>What was logged so far, in order.</summary>
    public IReadOnlyList<LogEntry> Entries
    {
        get
        {
            lock (_gate)
            {
                return [.. _entries];
            }
        }
    }

    /// <summary>Lets errors pass that the test provokes.</summary>
    public void Expect(Func<LogEntry, bool> error)
    {
        lock (_gate)
        {
            _expected.Add(error);
        }
    }

    /// <summary>Lets errors of one event pass.</summary>
    public void Expect(int eventId) => Expect(entry => entry.Id.Id == eventId);

    public void Verify()
    {
        var unexpected = Entries.Where(entry => entry.Level >= LogLevel.Error && !IsCut(entry) && !IsExpected(entry)).ToList();
        if (unexpected.Count > 0 || TestContext.CurrentContext.Result.Outcome.Status == NUnit.Framework.Interfaces.TestStatus.Failed)
        {
            foreach (var entry in Entries)
            {
                TestContext.Out.WriteLine(entry);
            }
        }

        Assert.That(unexpected, Is.Empty, "errors were logged that the test does not expect");
    }

    public ILogger CreateLogger(string categoryName) => new Logger(this, categoryName);

    public void AddProvider(ILoggerProvider provider) => throw new NotSupportedException("The guard keeps the log itself.");

    public void Dispose()
    {
    }

    /// <summary>
    /// A connection that ends while a request is on its way: the framework, which reads it before any code of ours runs, calls that an error. Whether it comes so
    /// is chance wherever a connection is cut.
    /// </summary>
    private static bool IsCut(LogEntry entry) =>
        entry is { Category: "Grpc.AspNetCore.Server.ServerCallHandler", Exception: IOException { InnerException: { } cause } }
        && cause.GetType().Name is ("ConnectionAbortedException" or "ConnectionResetException");

    private bool IsExpected(LogEntry entry)
    {
        lock (_gate)
        {
            return _expected.Exists(expected => expected(entry));
        }
    }

    private void Add(LogEntry entry)
    {
        lock (_gate)
        {
            _entries.Add(entry);
        }
    }

    private sealed class Logger(LogErrorGuard guard, string category) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Debug && logLevel != LogLevel.None;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (IsEnabled(logLevel))
            {
                guard.Add(new LogEntry(category, logLevel, eventId, formatter(state, exception), exception));
            }
        }
    }
}
