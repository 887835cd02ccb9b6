using System.Text.Json;
using QbSync.Ports;
using QbSync.Torrents;

namespace QbSync.Engine.Source.Records;

/// <summary>
/// How often a torrent ended the process. After the third time it fails instead, so that one torrent cannot keep all others from being synced. Written
/// only when that happens, and forgotten when a process has run for a while. Used by one caller at a time.
/// </summary>
internal sealed class RecoveryLedger
{
    public const int Limit = 3;

    /// <summary>A process that ran this long has its torrents behind it.</summary>
    public static readonly TimeSpan Healthy = TimeSpan.FromMinutes(10);

    private const string RecordName = "recovery";
    private readonly IDurableRecords _records;
    private readonly Dictionary<string, int> _ends;

    private RecoveryLedger(IDurableRecords records, Dictionary<string, int> ends) => (_records, _ends) = (records, ends);

    /// <summary>Whether nothing is held against any torrent.</summary>
    public bool IsEmpty => _ends.Count == 0;

    /// <summary>The torrents that have ended the process too often.</summary>
    public IReadOnlyList<InfoHash> Out => [.. _ends.Where(static end => end.Value >= Limit).Select(static end => InfoHash.Parse(end.Key))];

    /// <summary>Reads it; one that cannot be read holds nothing against anybody.</summary>
    public static async ValueTask<RecoveryLedger> LoadAsync(IDurableRecords records, CancellationToken cancellationToken)
    {
        var bytes = await records.ReadAsync(RecordName, cancellationToken).ConfigureAwait(false);
        return new RecoveryLedger(records, Parse(bytes));
    }

    /// <summary>A torrent ended the process.</summary>
    public ValueTask BlameAsync(InfoHash id, CancellationToken cancellationToken)
    {
        _ends[id.ToString()] = _ends.GetValueOrDefault(id.ToString()) + 1;
        return SaveAsync(cancellationToken);
    }

    /// <summary>A torrent has failed for it; when the user asks for another try it begins anew.</summary>
    public ValueTask ForgetAsync(InfoHash id, CancellationToken cancellationToken) =>
        _ends.Remove(id.ToString()) ? SaveAsync(cancellationToken) : default;

    /// <summary>The process has run for a while.</summary>
    public ValueTask ClearAsync(CancellationToken cancellationToken)
    {
        _ends.Clear();
        return SaveAsync(cancellationToken);
    }

    private static Dictionary<string, int> Parse(byte[]? bytes)
    {
        try
        {
            var known = bytes is null ? null : JsonSerializer.Deserialize(bytes, RecordJsonContext.Default.DictionaryStringInt32);
            return known is not null && known.Keys.All(static id => InfoHash.TryParse(id, out _)) ? known : [];
        }
        catch (JsonException)
        {
            return [];
        }
    }

    private ValueTask SaveAsync(CancellationToken cancellationToken) => _ends.Count == 0
        ? _records.RemoveAsync(RecordName, cancellationToken)
        : _records.WriteAsync(RecordName, JsonSerializer.SerializeToUtf8Bytes(_ends, RecordJsonContext.Default.DictionaryStringInt32), cancellationToken);
}
