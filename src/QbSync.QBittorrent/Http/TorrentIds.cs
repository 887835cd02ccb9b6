using QbSync.Ports;
using QbSync.Torrents;

namespace QbSync.QBittorrent.Http;

/// <summary>Guards what goes into a form: <c>all</c> and an empty list would mean every torrent to the client.</summary>
internal static class TorrentIds
{
    /// <summary>Most ids of one call.</summary>
    public const int MostAtOnce = 64;

    public static string Check(ClientTorrentId id) => InfoHash.TryParse(id.Value, out _)
        ? id.Value
        : throw new ArgumentException($"'{id.Value}' is not an id of qBittorrent's.", nameof(id));

    public static string Join(IReadOnlyCollection<ClientTorrentId> ids)
    {
        ArgumentOutOfRangeException.ThrowIfZero(ids.Count, nameof(ids));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(ids.Count, MostAtOnce, nameof(ids));
        return string.Join('|', ids.Select(Check));
    }

    /// <param name="none">Whether no tag at all is fine.</param>
    public static void CheckTags(IReadOnlyCollection<string> tags, bool none)
    {
        if (tags.Count == 0 && !none)
        {
            throw new ArgumentException("No tag is given.", nameof(tags));
        }

        foreach (var tag in tags)
        {
            if (string.IsNullOrWhiteSpace(tag) || tag.Contains(','))
            {
                throw new ArgumentException($"'{tag}' cannot be a tag: it is empty or has a comma.", nameof(tags));
            }
        }
    }
}
