using System.Collections.Frozen;
using Microsoft.Extensions.Logging;
using QbSync.Ports;
using QbSync.QBittorrent.Models;
using QbSync.Torrents;

namespace QbSync.QBittorrent.Adapters;

/// <summary>
/// The only place that sees both the client's record and our status. Thread-safe; one per client, since it warns once per new word.
/// </summary>
internal sealed partial class StatusMapper(ILogger logger)
{
    // Sets of tags are shared between torrents, so that statuses compare by value; clients have few of them.
    private const int MostTagSets = 4096;

    private readonly Lock _gate = new();
    private readonly Dictionary<string, FrozenSet<string>> _tagSets = [];
    private readonly HashSet<string> _newWords = [];

    /// <summary>The status; <paramref name="known"/> itself when it would be equal.</summary>
    public TorrentStatus Map(TorrentRecord record, TorrentStatus? known = null)
    {
        if (!StateWords.TryParse(record.State, out var state))
        {
            WarnOnce(record.State!);
        }

        InfoHash.TryParse(record.InfoHashV1, out var v1);
        InfoHash.TryParse(record.InfoHashV2, out var v2);
        if (record.InfoHashV1 is null && record.InfoHashV2 is null)
        {
            // Before 4.4 the id is the v1 hash.
            InfoHash.TryParse(record.Hash, out v1);
        }

        var status = new TorrentStatus
        {
            Id = new ClientTorrentId(record.Hash ?? ""),
            V1 = v1,
            V2 = v2,
            Name = record.Name ?? "",
            State = state,
            RawState = record.State ?? "",
            Progress = record.Progress ?? 0,
            AmountLeft = record.AmountLeft ?? 0,
            CompletedBytes = record.Completed ?? 0,
            SelectedSize = record.Size ?? 0,
            Category = record.Category ?? "",
            Tags = TagSet(record.Tags),
            SavePath = record.SavePath ?? "",
            ContentPath = record.ContentPath ?? "",
            DownloadPath = record.DownloadPath ?? "",
            AddedAt = Time(record.AddedOn),
            CompletedAt = Time(record.CompletionOn),
            SeedingTime = record.SeedingTime is >= 0 and < 1L << 38 and var seconds ? TimeSpan.FromSeconds(seconds) : null,
            UploadedBytes = record.Uploaded ?? 0,
            Ratio = record.Ratio ?? 0,
            IsManagedByCategory = record.AutoTmm ?? false,
            Limits = ShareLimits.FromNumbers(record.RatioLimit, record.SeedingTimeLimit, record.InactiveSeedingTimeLimit),
            Seeds = Peers(record.NumComplete),
            Leechers = Peers(record.NumIncomplete),
            HasMetadata = record.HasMetadata ?? GuessMetadata(state, record.TotalSize),
        };
        return status == known ? known : status;
    }

    private static int? Peers(long? count) => count is >= 0 and <= int.MaxValue and var some ? (int)some : null;

    // Before 5.0 it is not told.
    private static bool GuessMetadata(ClientTorrentState state, long? totalSize) =>
        state is not (ClientTorrentState.MetaDl or ClientTorrentState.ForcedMetaDl) && totalSize is not <= 0;

    private FrozenSet<string> TagSet(string? tags)
    {
        if (string.IsNullOrWhiteSpace(tags))
        {
            return FrozenSet<string>.Empty;
        }

        lock (_gate)
        {
            if (!_tagSets.TryGetValue(tags, out var set))
            {
                set = tags.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)
                    .ToFrozenSet(StringComparer.Ordinal);
                if (_tagSets.Count < MostTagSets)
                {
                    _tagSets.Add(tags, set);
                }
            }

            return set;
        }
    }

    private void WarnOnce(string word)
    {
        bool isNew;
        lock (_gate)
        {
            isNew = _newWords.Count < 64 && _newWords.Add(word);
        }

        if (isNew)
        {
            Log.UnknownState(logger, word);
        }
    }

    // The last second that a DateTimeOffset can hold.
    private static DateTimeOffset? Time(long? seconds) =>
        seconds is > 0 and <= 253402300799 and var some ? DateTimeOffset.FromUnixTimeSeconds(some) : null;
}
