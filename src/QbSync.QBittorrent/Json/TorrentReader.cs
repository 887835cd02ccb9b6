using System.Text.Json;
using QbSync.QBittorrent.Models;
using QbSync.Torrents;

namespace QbSync.QBittorrent.Json;

/// <summary>Reads torrents. Fields that nobody reads, as the magnet link, make no string.</summary>
internal static class TorrentReader
{
    private static readonly FieldTable Fields = new(
    [
        // As TorrentText has them.
        "hash", "infohash_v1", "infohash_v2", "name", "content_path", "state", "category", "tags", "save_path", "download_path",

        // As TorrentNumber has them.
        "amount_left", "completed", "size", "total_size", "added_on", "completion_on", "seen_complete", "last_activity", "seeding_time",
        "eta", "uploaded", "downloaded", "upspeed", "dlspeed", "num_seeds", "num_leechs", "num_complete", "num_incomplete",
        "progress", "ratio", "ratio_limit", "seeding_time_limit", "inactive_seeding_time_limit", "availability",
        "auto_tmm", "has_metadata",
    ]);

    /// <summary>One of a list, which names itself.</summary>
    public static bool TryRead(ref Utf8JsonReader reader, out TorrentRecord torrent)
    {
        torrent = new TorrentRecord();
        return TryReadFields(ref reader, torrent, isNamed: false) && CheckId(torrent.Hash);
    }

    /// <summary>One of a table: its key is its name, whatever its fields say.</summary>
    public static bool TryRead(ref Utf8JsonReader reader, string id, out TorrentRecord torrent)
    {
        torrent = new TorrentRecord();
        torrent.Set(TorrentText.Hash, id);
        return TryReadFields(ref reader, torrent, isNamed: true);
    }

    /// <summary>Always true.</summary>
    /// <exception cref="JsonException">It is no id.</exception>
    public static bool CheckId(string? id) =>
        InfoHash.TryParse(id, out _) ? true : throw new JsonException("A torrent has no id of 40 or 64 hexadecimal digits.");

    private static bool TryReadFields(ref Utf8JsonReader reader, TorrentRecord torrent, bool isNamed)
    {
        while (reader.Read())
        {
            if (reader.TokenType == JsonTokenType.EndObject)
            {
                return true;
            }

            var field = Fields.Find(ref reader);
            if (!reader.Read())
            {
                return false;
            }

            if (reader.TokenType is JsonTokenType.StartObject or JsonTokenType.StartArray)
            {
                if (!reader.TrySkip())
                {
                    return false;
                }
            }
            else if (field >= TorrentTexts.Count)
            {
                ReadNumber(ref reader, torrent, (TorrentNumber)(field - TorrentTexts.Count));
            }
            else if (field > 0 || (field == 0 && !isNamed))
            {
                ReadText(ref reader, torrent, (TorrentText)field);
            }
        }

        return false;
    }

    private static void ReadText(ref Utf8JsonReader reader, TorrentRecord torrent, TorrentText field) => torrent.Set(field, field switch
    {
        // Mostly the id over again.
        TorrentText.InfoHashV1 when reader.TokenType == JsonTokenType.String && torrent.Hash is { } id && reader.ValueTextEquals(id) => id,
        < TorrentText.State => Lenient.ReadString(ref reader),
        _ => StringPool.Read(ref reader),
    });

    private static void ReadNumber(ref Utf8JsonReader reader, TorrentRecord torrent, TorrentNumber field)
    {
        switch (field)
        {
            case < TorrentNumber.Progress:
                torrent.Set(field, Lenient.ReadInt64(ref reader));
                break;
            case < TorrentNumber.AutoTmm:
                torrent.Set(field, Lenient.ReadDouble(ref reader));
                break;
            default:
                torrent.Set(field, Lenient.ReadBoolean(ref reader));
                break;
        }
    }
}
