using QbSync.QBittorrent.Models;

namespace QbSync.QBittorrent.Adapters;

/// <summary>Settings of the client that a person should know of; nothing here changes them.</summary>
internal static class ClientWarnings
{
    private const int Remove = 1, RemoveWithFiles = 3;
    private const int SlowRefresh = 5000;

    public static IEnumerable<string> Of(AppPreferencesRecord preferences, QBittorrentOptions options)
    {
        var hasLimit = preferences.MaxRatioEnabled == true
            || preferences.MaxSeedingTimeEnabled == true
            || preferences.MaxInactiveSeedingTimeEnabled == true;
        if (hasLimit && preferences.MaxRatioAct is Remove or RemoveWithFiles)
        {
            yield return "The client removes torrents at its share limits; one that is removed before it is synced is lost to QbSync.";
        }

        if (preferences.TorrentContentRemoveOption == "MoveToTrash")
        {
            yield return "The client moves deleted files to a trash, so that deleting them frees no space.";
        }

        if (preferences.RefreshInterval > SlowRefresh)
        {
            yield return $"The client refreshes every {preferences.RefreshInterval} ms; new pieces are seen no sooner than that.";
        }

        if (options.Password == "adminadmin")
        {
            yield return "The client's password is the well-known 'adminadmin'; change it.";
        }
    }
}
