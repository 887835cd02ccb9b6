using System.Collections.Frozen;
using QbSync.Ports;

namespace QbSync.QBittorrent.Adapters;

/// <summary>The client's words for a torrent's state, of 4.x and 5.x alike.</summary>
internal static class StateWords
{
    private static readonly FrozenDictionary<string, ClientTorrentState> Known = new Dictionary<string, ClientTorrentState>
    {
        ["uploading"] = ClientTorrentState.Uploading,
        ["stalledUP"] = ClientTorrentState.StalledUp,
        ["forcedUP"] = ClientTorrentState.ForcedUp,
        ["queuedUP"] = ClientTorrentState.QueuedUp,
        ["pausedUP"] = ClientTorrentState.StoppedUp,
        ["stoppedUP"] = ClientTorrentState.StoppedUp,
        ["downloading"] = ClientTorrentState.Downloading,
        ["stalledDL"] = ClientTorrentState.StalledDl,
        ["forcedDL"] = ClientTorrentState.ForcedDl,
        ["queuedDL"] = ClientTorrentState.QueuedDl,
        ["pausedDL"] = ClientTorrentState.StoppedDl,
        ["stoppedDL"] = ClientTorrentState.StoppedDl,
        ["metaDL"] = ClientTorrentState.MetaDl,
        ["forcedMetaDL"] = ClientTorrentState.ForcedMetaDl,
        ["allocating"] = ClientTorrentState.Allocating,
        ["checkingUP"] = ClientTorrentState.CheckingUp,
        ["checkingDL"] = ClientTorrentState.CheckingDl,
        ["checkingResumeData"] = ClientTorrentState.CheckingResumeData,
        ["moving"] = ClientTorrentState.Moving,
        ["missingFiles"] = ClientTorrentState.MissingFiles,
        ["error"] = ClientTorrentState.Error,
        ["unknown"] = ClientTorrentState.Unknown,
    }.ToFrozenDictionary(StringComparer.Ordinal);

    /// <summary>The state; false, with <see cref="ClientTorrentState.Unknown"/>, for a word that is new to us.</summary>
    public static bool TryParse(string? word, out ClientTorrentState state) => Known.TryGetValue(word ?? "unknown", out state);
}
