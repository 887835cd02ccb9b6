using QbSync.Engine.Status;

namespace QbSync.Host.Notifications.Presets;

/// <summary>How much a person has to care.</summary>
internal enum Urgency
{
    /// <summary>Good to know.</summary>
    Information,

    /// <summary>Something went as wished.</summary>
    Success,

    /// <summary>It may need a look.</summary>
    Warning,

    /// <summary>It needs one.</summary>
    Failure,
}

/// <summary>Sorts events.</summary>
internal static class Urgencies
{
    public static Urgency Of(EngineEventKind kind) => kind switch
    {
        EngineEventKind.TorrentSynced or EngineEventKind.TorrentHandedOff or EngineEventKind.SpaceOk or EngineEventKind.PeerBack => Urgency.Success,
        EngineEventKind.TorrentFailed or EngineEventKind.TorrentEnteredDownload or EngineEventKind.CheckBad => Urgency.Failure,
        EngineEventKind.TorrentRolledBack or EngineEventKind.SpaceLow or EngineEventKind.PeerLost => Urgency.Warning,
        EngineEventKind.DrainStarted or EngineEventKind.DrainEnded => Urgency.Information,
    };
}
