using QbSync.QBittorrent.Models;
using QbSync.QBittorrent.Versions;

namespace QbSync.QBittorrent.Pipeline;

/// <summary>What was learnt when the client let us in. Immutable; replaced whole by the next login.</summary>
/// <param name="Generation">Rises by one with each login or probe.</param>
/// <param name="Epoch">Rises when it may be another client than before, or one with other paths.</param>
internal sealed record ClientSession(
    int Generation, int Epoch, WebApiProfile Profile, string Version, string Libtorrent, AppPreferencesRecord Preferences)
{
    /// <summary>Whether the other looks like the same client, with the same default paths.</summary>
    public bool IsAlike(ClientSession other) =>
        (Version, Libtorrent, Preferences.SavePath, Preferences.TempPath, Preferences.TempPathEnabled)
        == (other.Version, other.Libtorrent, other.Preferences.SavePath, other.Preferences.TempPath, other.Preferences.TempPathEnabled);
}
