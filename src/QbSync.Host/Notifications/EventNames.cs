using QbSync.Engine.Status;

namespace QbSync.Host.Notifications;

/// <summary>Kinds of events as configuration and receivers write them.</summary>
internal static class EventNames
{
    private static readonly (EngineEventKind Kind, string Name)[] Known =
    [
        (EngineEventKind.TorrentSynced, "torrent.synced"),
        (EngineEventKind.TorrentFailed, "torrent.failed"),
        (EngineEventKind.TorrentHandedOff, "torrent.handed_off"),
        (EngineEventKind.TorrentRolledBack, "torrent.rolled_back"),
        (EngineEventKind.TorrentEnteredDownload, "torrent.entered_download"),
        (EngineEventKind.SpaceLow, "space.low"),
        (EngineEventKind.SpaceOk, "space.ok"),
        (EngineEventKind.PeerLost, "peer.lost"),
        (EngineEventKind.PeerBack, "peer.back"),
        (EngineEventKind.CheckBad, "check.bad"),
        (EngineEventKind.DrainStarted, "drain.started"),
        (EngineEventKind.DrainEnded, "drain.ended"),
    ];

    public static IReadOnlyList<string> All { get; } = [.. Known.Select(static one => one.Name)];

    /// <summary>All, and those by which several are meant.</summary>
    public static IReadOnlyList<string> Patterns { get; } = [.. All, .. All.Select(static name => name[..(name.IndexOf('.') + 1)] + "*").Distinct()];

    public static string Of(EngineEventKind kind) => Array.Find(Known, one => one.Kind == kind).Name;

    /// <summary>What a name or a pattern like <c>torrent.*</c> stands for; empty for one that is not known.</summary>
    public static IEnumerable<EngineEventKind> Find(string pattern) => pattern.EndsWith(".*", StringComparison.Ordinal)
        ? Known.Where(one => one.Name.StartsWith(pattern[..^1], StringComparison.Ordinal)).Select(static one => one.Kind)
        : Known.Where(one => one.Name == pattern).Select(static one => one.Kind);
}
