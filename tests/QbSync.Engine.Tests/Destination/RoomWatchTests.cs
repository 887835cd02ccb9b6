using Microsoft.Extensions.Logging;
using QbSync.Engine.Destination;
using QbSync.Testing.Logging;

namespace QbSync.Engine.Tests.Destination;

/// <summary>Room and the want of it, where writes and looks come at the same time.</summary>
internal sealed class RoomWatchTests
{
    private LogErrorGuard _logs = null!;
    private RoomWatch _room = null!;
    private long _free;
    private Action? _whileAsked;

    [SetUp]
    public void SetUp()
    {
        (_logs, _free, _whileAsked) = (new LogErrorGuard(), 0, null);
        _room = new RoomWatch(
            new DestinationOptions { SavePath = "/data", DataRoot = "/data", MinFreeBytes = 1000 },
            GetFreeBytes,
            _logs.CreateLogger<RoomWatch>());
    }

    [TearDown]
    public void TearDown()
    {
        _logs.Verify();
        _logs.Dispose();
    }

    [Test]
    public void Look_AndAWriteThatFindsNoRoomMeanwhile_StaysFullUntilTheNextLook()
    {
        _room.ReportFull();
        _free = 1_000_000;
        _whileAsked = _room.ReportFull;

        Assert.That((_room.Look(), _room.IsFull), Is.EqualTo((false, true)), "the figure is older than the write");
        Assert.That((_room.Look(), _room.IsFull), Is.EqualTo((true, false)));
    }

    [Test]
    public void ReportFull_OfTwoWritesAtOnce_IsToldOnce()
    {
        _whileAsked = _room.ReportFull;

        _room.ReportFull();

        Assert.That(_room.IsFull, Is.True);
        Assert.That(_logs.Entries.Count(static entry => entry.Level == LogLevel.Warning), Is.EqualTo(1));
    }

    private long? GetFreeBytes()
    {
        var meanwhile = _whileAsked;
        _whileAsked = null;
        meanwhile?.Invoke();
        return _free;
    }
}
