using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;
using QbSync.Host.Logging;

namespace QbSync.Host.Tests.Logging;

internal sealed class ConsoleLinesTests
{
    [Test]
    public void Line_HostileName_StaysOneLine()
    {
        var output = new StringWriter();
        using var lines = new ConsoleLines(output, LogLevel.Information, new FakeTimeProvider(new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.Zero)));
        lines.CreateLogger("QbSync.Engine.Thing").Log(LogLevel.Warning, 1, "a\nb\u001b[31m\u202ec", null, (state, _) => state);
        Assert.That(output.ToString(), Is.EqualTo("2026-01-02T03:04:05.000Z warn  Thing: a\\u000ab\\u001b[31m\\u202ec" + Environment.NewLine));
    }

    [Test]
    public void Line_BelowTheLevel_IsNotWritten()
    {
        var output = new StringWriter();
        using var lines = new ConsoleLines(output, LogLevel.Warning, TimeProvider.System);
        lines.CreateLogger("QbSync.X").Log(LogLevel.Information, 1, "no", null, (state, _) => state);
        Assert.That(output.ToString(), Is.Empty);
    }
}
