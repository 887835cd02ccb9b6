using QbSync.Engine.Status;
using QbSync.Host.Logging;
using QbSync.Host.Reporting;

namespace QbSync.Host.Notifications;

/// <summary>An event in a sentence, for people. What came from others can neither fake a line in it nor turn its direction. Pure.</summary>
internal static class NotificationText
{
    public static string Of(EngineEvent happened, string mode)
    {
        var torrent = happened.Torrent;
        var name = torrent is null ? "" : PlainText.Escape(torrent.Name);
        var sentence = happened.Kind switch
        {
            EngineEventKind.TorrentSynced => $"{name} ({Amounts.Bytes(torrent?.Bytes)}) is synced",
            EngineEventKind.TorrentFailed => $"{name} failed",
            EngineEventKind.TorrentHandedOff when mode == "source" => $"{name} was handed over and deleted here",
            EngineEventKind.TorrentHandedOff => $"{name} seeds here now",
            EngineEventKind.TorrentRolledBack => $"The handoff of {name} turned back",
            EngineEventKind.TorrentEnteredDownload => $"{name} would be downloaded again, and was stopped",
            EngineEventKind.SpaceLow => "Space is short",
            EngineEventKind.SpaceOk => "There is enough space again",
            EngineEventKind.PeerLost => "The other side has been away for 10 minutes",
            EngineEventKind.PeerBack => "The other side is back",
            EngineEventKind.CheckBad => $"{name} is damaged on disk",
            EngineEventKind.DrainStarted => "The drain began",
            EngineEventKind.DrainEnded => "The drain ended",
        };
        return happened.Reason.Length == 0 ? sentence + "." : $"{sentence}: {PlainText.Escape(happened.Reason.TrimEnd('.'))}.";
    }

    /// <summary>At most that many UTF-16 units of it, and no half of a character.</summary>
    public static string Cut(string text, int most) =>
        text.Length <= most ? text : text[..(char.IsHighSurrogate(text[most - 2]) ? most - 2 : most - 1)] + "…";
}
