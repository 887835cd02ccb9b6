using System.Text.Json;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;
using QbSync.Host.Logging;
using QbSync.Testing.Specifications;
using QbSync.Torrents;

namespace QbSync.Host.Tests.Logging;

[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
internal sealed partial class LogLinesTests
{
    private static readonly string Hash = new('a', 40);
    private static readonly InfoHash Torrent = InfoHash.Parse(Hash);
    private readonly FakeTimeProvider _time = new(new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.Zero));
    private readonly StringWriter _output = new();

    private string[] Written => _output.ToString().Split(Environment.NewLine, StringSplitOptions.RemoveEmptyEntries);

    [Test]
    [HostCase(21)]
    public void ConsoleLine_HostileName_StaysOneLineInItsDirection()
    {
        using var lines = Open(LogFormat.Console);
        Log.Moved(Logger(lines), "a\nb\u001b[31m\u202ec\u2028d \U0001F3AC", Torrent, 7);
        Assert.That(
            _output.ToString(),
            Is.EqualTo(@"2026-01-02T03:04:05.000Z info  Thing [aaaaaaaa]: a\u000ab\u001b[31m\u202ec\u2028d " + "\U0001F3AC of " + Hash + " has 7 pieces." + Environment.NewLine));
    }

    [Test]
    [HostCase(21)]
    public void JsonLine_HostileName_IsOneDocumentWithItsValues()
    {
        using var lines = Open(LogFormat.Json);
        const string Name = "a\nb\u001b[31m\u202ec\ud800 \"d\"";
        Log.Moved(Logger(lines), Name, Torrent, 7);
        Assert.That(Written, Has.Length.EqualTo(1));
        Assert.That(Written[0].All(static letter => letter is >= ' ' and < '\u007f'), "nothing but plain letters");
        using var line = JsonDocument.Parse(Written[0]);
        Assert.That(
            line.RootElement.EnumerateObject().Select(static one => (one.Name, one.Value.ToString())),
            Is.EqualTo(new[]
            {
                ("ts", "2026-01-02T03:04:05.000Z"), ("level", "info"), ("event", "Moved"), ("id", "1"), ("phase", "Thing"), ("hash", Hash),
                ("name", Name.Replace('\ud800', '\ufffd')), ("message", Name.Replace('\ud800', '\ufffd') + " of " + Hash + " has 7 pieces."), ("pieces", "7"),
            }));
    }

    [Test]
    public void JsonLine_Exception_HasItsKindAndText()
    {
        using var lines = Open(LogFormat.Json);
        Logger(lines).Log(LogLevel.Error, 5, "no", new IOException("disk\ngone"), static (state, _) => state);
        using var line = JsonDocument.Parse(Written.Single());
        Assert.That(
            (line.RootElement.GetProperty("error").GetProperty("type").GetString(), line.RootElement.GetProperty("error").GetProperty("message").GetString()),
            Is.EqualTo(("IOException", "disk\ngone")));
    }

    /// <summary>Who goes in the middle of a request is no trouble of ours, whatever the web server calls it.</summary>
    [TestCase("Grpc.AspNetCore.Server.ServerCallHandler", true, ExpectedResult = 0)]
    [TestCase("Microsoft.AspNetCore.Server.Kestrel", true, ExpectedResult = 0)]
    [TestCase("Microsoft.AspNetCore.Server.Kestrel", false, ExpectedResult = 1)]
    [TestCase("QbSync.Tests.Thing", true, ExpectedResult = 1)]
    public int Error_OfTheServer_IsWrittenUnlessTheRequestWasCut(string category, bool isCut)
    {
        using var lines = Open(LogFormat.Console);
        Exception error = isCut ? new IOException("The client reset the request stream.") : new InvalidOperationException("no");
        lines.CreateLogger(category).Log(LogLevel.Error, 5, "An unhandled exception.", error, static (state, _) => state);
        var written = Written.Length;
        lines.Least = LogLevel.Debug;
        lines.CreateLogger(category).Log(LogLevel.Error, 5, "An unhandled exception.", error, static (state, _) => state);
        Assert.That(_output.ToString(), Does.Contain("An unhandled exception."));
        return written;
    }

    [Test]
    [HostCase(21)]
    public void Warning_AThousandTimes_IsOneLineAndThenHowOften([Values] LogFormat format)
    {
        var lines = Open(format);
        var logger = Logger(lines);
        for (var i = 0; i < 1000; i++)
        {
            Log.Bad(logger, i, Torrent);
        }

        Assert.That(Written, Has.Length.EqualTo(1));
        _time.Advance(RepeatGate.Window);
        Log.Moved(logger, "film", Torrent, 1);
        Assert.That(Written, Has.Length.EqualTo(3));
        Assert.That(Written[1], Does.Contain("Piece 999 is bad.").And.Contains("999 such warnings"));

        // The window is over: the next is written at once, and nothing is left to be told at the end.
        Log.Bad(logger, 5, Torrent);
        lines.Dispose();
        Assert.That(Written, Has.Length.EqualTo(4));
    }

    [Test]
    public void Warning_OfOtherTorrentsOrWithoutOne_IsNotHeldByThisOne()
    {
        using var lines = Open(LogFormat.Console);
        var logger = Logger(lines);
        Log.Bad(logger, 1, Torrent);
        Log.Bad(logger, 1, InfoHash.Parse(new string('b', 40)));
        Log.Lost(logger, "one");
        Log.Lost(logger, "other");
        logger.Log(LogLevel.Error, 9, "error", null, static (state, _) => state);
        logger.Log(LogLevel.Error, 9, "error", null, static (state, _) => state);
        Assert.That(Written, Has.Length.EqualTo(6));
    }

    [Test]
    public void Warnings_HeldAtTheEnd_AreToldWhenItIsDisposed()
    {
        var lines = Open(LogFormat.Console);
        Log.Bad(Logger(lines), 1, Torrent);
        Log.Bad(Logger(lines), 2, Torrent);
        lines.Dispose();
        Assert.That(Written, Has.Length.EqualTo(2).And.Some.Contains("Piece 2 is bad."));
    }

    [Test]
    public void Line_BelowTheLevel_IsNotWrittenUntilTheLevelIsLowered()
    {
        using var lines = Open(LogFormat.Console);
        var logger = lines.CreateLogger("QbSync.X");
        lines.Least = LogLevel.Warning;
        logger.Log(LogLevel.Information, 1, "no", null, static (state, _) => state);
        Assert.That(_output.ToString(), Is.Empty);
        lines.Least = LogLevel.Information;
        logger.Log(LogLevel.Information, 1, "yes", null, static (state, _) => state);
        lines.CreateLogger("Microsoft.Server").Log(LogLevel.Information, 1, "of others only trouble", null, static (state, _) => state);
        Assert.That(Written, Has.Length.EqualTo(1).And.All.Contains("yes"));
    }

    private static ILogger Logger(LogLines lines) => lines.CreateLogger("QbSync.Engine.Thing");

    private LogLines Open(LogFormat format) => new(_output, format, LogLevel.Information, new Redactor([]), _time);

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Information, "{Name} of {Torrent} has {Pieces} pieces.")]
        public static partial void Moved(ILogger logger, string name, InfoHash torrent, int pieces);

        [LoggerMessage(2, LogLevel.Warning, "Piece {Piece} is bad. It is of {Torrent}.")]
        public static partial void Bad(ILogger logger, int piece, InfoHash torrent);

        [LoggerMessage(3, LogLevel.Warning, "Lost {What}.")]
        public static partial void Lost(ILogger logger, string what);
    }
}
