using QbSync.QBittorrent.Models;

namespace QbSync.QBittorrent.Sync;

/// <summary>Lays what changed over what was known, field by field. Pure: a field that is absent or null keeps its value.</summary>
internal static class MaindataMerge
{
    /// <summary>The torrent after the change; <paramref name="known"/> itself when nothing changed.</summary>
    public static TorrentRecord Merge(TorrentRecord? known, TorrentRecord change)
    {
        if (known is null)
        {
            return change;
        }

        var merged = new TorrentRecord
        {
            Hash = change.Hash ?? known.Hash,
            InfoHashV1 = change.InfoHashV1 ?? known.InfoHashV1,
            InfoHashV2 = change.InfoHashV2 ?? known.InfoHashV2,
            Name = change.Name ?? known.Name,
            State = change.State ?? known.State,
            Progress = change.Progress ?? known.Progress,
            AmountLeft = change.AmountLeft ?? known.AmountLeft,
            Completed = change.Completed ?? known.Completed,
            Size = change.Size ?? known.Size,
            TotalSize = change.TotalSize ?? known.TotalSize,
            Category = change.Category ?? known.Category,
            Tags = change.Tags ?? known.Tags,
            SavePath = change.SavePath ?? known.SavePath,
            ContentPath = change.ContentPath ?? known.ContentPath,
            DownloadPath = change.DownloadPath ?? known.DownloadPath,
            AddedOn = change.AddedOn ?? known.AddedOn,
            CompletionOn = change.CompletionOn ?? known.CompletionOn,
            SeedingTime = change.SeedingTime ?? known.SeedingTime,
            Uploaded = change.Uploaded ?? known.Uploaded,
            Ratio = change.Ratio ?? known.Ratio,
            AutoTmm = change.AutoTmm ?? known.AutoTmm,
            RatioLimit = change.RatioLimit ?? known.RatioLimit,
            SeedingTimeLimit = change.SeedingTimeLimit ?? known.SeedingTimeLimit,
            InactiveSeedingTimeLimit = change.InactiveSeedingTimeLimit ?? known.InactiveSeedingTimeLimit,
            NumComplete = change.NumComplete ?? known.NumComplete,
            NumIncomplete = change.NumIncomplete ?? known.NumIncomplete,
            HasMetadata = change.HasMetadata ?? known.HasMetadata,
        };
        return merged == known ? known : merged;
    }

    /// <summary>Whether a record lacks what every full one has: the client then lost an answer's fields for good.</summary>
    private static bool LacksFields(TorrentRecord record) => record.State is null || record.SavePath is null || record.Name is null;

    /// <summary>
    /// Applies an answer to the records; ids of what was removed are returned. A full answer replaces all, whatever was known before it.
    /// </summary>
    public static IReadOnlyList<string> Apply(Dictionary<string, TorrentRecord> records, MainDataRecord answer, out bool lacksFields)
    {
        lacksFields = false;
        Dictionary<string, TorrentRecord>? before = null;
        if (answer.FullUpdate == true)
        {
            before = new Dictionary<string, TorrentRecord>(records);
            records.Clear();
        }

        List<string> removed = [];
        foreach (var id in answer.TorrentsRemoved ?? [])
        {
            if (id is not null && records.Remove(id))
            {
                removed.Add(id);
            }
        }

        foreach (var (id, change) in answer.Torrents ?? [])
        {
            if (change is null)
            {
                continue;
            }

            var named = change.Hash is null ? change with { Hash = id } : change;
            var merged = Merge(records.GetValueOrDefault(id), named);
            lacksFields |= LacksFields(merged);

            // An equal record stays the same object, so that unchanged torrents are shared between polls.
            records[id] = before is not null && before.TryGetValue(id, out var same) && same == merged ? same : merged;
        }

        return removed;
    }
}
