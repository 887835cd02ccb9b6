using System.Text.Json;

namespace QbSync.Host.Reporting;

/// <summary>A status with its number; immutable. Its texts are made when first asked for, and once.</summary>
internal sealed class StatusSnapshot(long number, StatusDocument document)
{
    private readonly Lazy<byte[]> _json = new(() => JsonSerializer.SerializeToUtf8Bytes(document, StatusJson.Default.StatusDocument));
    private readonly Lazy<byte[]> _summary = new(() => JsonSerializer.SerializeToUtf8Bytes(document with { Torrents = null }, StatusJson.Default.StatusDocument));
    private readonly Lazy<Dictionary<string, TorrentRow>> _rows = new(() => (document.Torrents ?? []).ToDictionary(static row => row.Hash));

    public long Number => number;

    public StatusDocument Document => document;

    /// <summary>All of it.</summary>
    public byte[] Json => _json.Value;

    /// <summary>All but the torrents.</summary>
    public byte[] Summary => _summary.Value;

    /// <summary>What a reader of an earlier one has to be told: rows that are new or changed, and hashes that are gone.</summary>
    public (IReadOnlyList<TorrentRow> Changed, IReadOnlyList<string> Gone) Since(StatusSnapshot earlier)
    {
        var (before, now) = (earlier._rows.Value, _rows.Value);
        return (
            [.. now.Values.Where(row => !before.TryGetValue(row.Hash, out var old) || (!ReferenceEquals(old, row) && old != row))],
            [.. before.Keys.Where(hash => !now.ContainsKey(hash))]);
    }
}
