using QbSync.Engine.Shared;
using QbSync.Engine.Status;

namespace QbSync.Engine.Destination;

public sealed partial class DestinationEngine
{
    private readonly EngineEvents _events;
    private readonly SourcePresence _sources = new();
    private readonly MonotonicClock _clock;
    private bool _toldFull;

    /// <summary>
    /// Something happened that may be worth telling. Called by the engine's own threads: a listener returns at once, and what it throws is logged and nothing
    /// more.
    /// </summary>
    public event Action<EngineEvent>? Happened
    {
        add => _events.Raised += value;
        remove => _events.Raised -= value;
    }

    /// <summary>Tells what came since the last look: of the disk, and of sources. Called once a second, by the one loop that does.</summary>
    private void TellNews()
    {
        var isFull = _room.IsFull;
        if (isFull != _toldFull)
        {
            _toldFull = isFull;
            var free = _room.FreeBytes is { } bytes ? $"{bytes} bytes are free" : "how much is free is not known";
            Tell(isFull ? EngineEventKind.SpaceLow : EngineEventKind.SpaceOk, $"{_options.Current.DataRoot}: {free}");
        }

        foreach (var (name, isLost) in _sources.See(_clock.Now))
        {
            Tell(isLost ? EngineEventKind.PeerLost : EngineEventKind.PeerBack, $"source {name} {(isLost ? "has not been here for 10 minutes" : "is here again")}");
        }
    }

    private void Tell(EngineEventKind kind, string reason) => _events.Raise(new EngineEvent { Kind = kind, At = _time.GetUtcNow(), Reason = reason });
}
