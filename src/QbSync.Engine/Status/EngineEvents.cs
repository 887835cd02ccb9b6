using Microsoft.Extensions.Logging;

namespace QbSync.Engine.Status;

/// <summary>Takes an engine's events to whoever listens. A listener that throws is logged, and nothing else comes of it. Thread-safe.</summary>
internal sealed partial class EngineEvents(ILogger<EngineEvents> logger)
{
    /// <summary>Listeners; each has to return at once.</summary>
    public event Action<EngineEvent>? Raised;

    public void Raise(EngineEvent happened)
    {
        if (Raised is not { } listeners)
        {
            return;
        }

        try
        {
            listeners(happened);
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            Log.ListenerFails(logger, happened.Kind, e);
        }
    }
}
