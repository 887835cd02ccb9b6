using System.Text.Json;
using Microsoft.Extensions.Logging;
using QbSync.Engine.Source.Cleanup;
using QbSync.Ports;
using QbSync.Torrents;

namespace QbSync.Engine.Source.Records;

/// <summary>The source's durable records over <see cref="IDurableRecords"/>. Thread-safe.</summary>
internal sealed partial class RecordStore(IDurableRecords records, ILogger<RecordStore> logger)
{
    private const string Folder = "torrents/";
    private const string SourceIdName = "source-id";
    private const string UploadsName = "uploads.json";

    /// <summary>The source's id; made by <paramref name="create"/> on first use and kept for ever.</summary>
    public async ValueTask<Guid> GetSourceIdAsync(Func<Guid> create, CancellationToken cancellationToken)
    {
        if (await records.ReadAsync(SourceIdName, cancellationToken).ConfigureAwait(false) is { Length: 16 } bytes)
        {
            return new Guid(bytes, bigEndian: true);
        }

        var id = create();
        await records.WriteAsync(SourceIdName, id.ToByteArray(bigEndian: true), cancellationToken).ConfigureAwait(false);
        return id;
    }

    /// <summary>Every readable record. One that cannot be read is absent: it costs a question at the destination, no data.</summary>
    /// <exception cref="StorageException">A record is of a newer version.</exception>
    public async ValueTask<IReadOnlyList<TorrentRecord>> LoadAsync(CancellationToken cancellationToken)
    {
        List<TorrentRecord> loaded = [];
        foreach (var name in await records.ListAsync(Folder, cancellationToken).ConfigureAwait(false))
        {
            if (await records.ReadAsync(name, cancellationToken).ConfigureAwait(false) is { } bytes && Read(name, bytes) is { } record)
            {
                loaded.Add(record);
            }
        }

        return loaded;
    }

    /// <summary>Replaces a torrent's record, durably.</summary>
    public ValueTask SaveAsync(TorrentRecord record, CancellationToken cancellationToken) =>
        records.WriteAsync(NameOf(record.Id), JsonSerializer.SerializeToUtf8Bytes(record, RecordJsonContext.Default.TorrentRecord), cancellationToken);

    /// <summary>Drops a torrent's record.</summary>
    public ValueTask RemoveAsync(InfoHash id, CancellationToken cancellationToken) => records.RemoveAsync(NameOf(id.ToString()), cancellationToken);

    /// <summary>Upload rates of an earlier process. What cannot be read is absent: it costs the order of a cleanup, no data.</summary>
    /// <exception cref="StorageException">They are of a newer version.</exception>
    public async ValueTask<UploadRateRecord> LoadUploadsAsync(CancellationToken cancellationToken)
    {
        UploadRateRecord? loaded = null;
        if (await records.ReadAsync(UploadsName, cancellationToken).ConfigureAwait(false) is { } bytes)
        {
            try
            {
                loaded = JsonSerializer.Deserialize(bytes, UploadRateJsonContext.Default.UploadRateRecord);
            }
            catch (JsonException e)
            {
                Log.RecordDamaged(logger, UploadsName, e);
            }
        }

        return loaded switch
        {
            null or { Rates: null } => new UploadRateRecord(),
            { Version: > UploadRateRecord.CurrentVersion } =>
                throw new StorageException(StorageFault.NewerState, $"{UploadsName} in state-dir was written by a newer version of QbSync."),
            _ => loaded,
        };
    }

    /// <summary>Replaces the upload rates, durably.</summary>
    public ValueTask SaveUploadsAsync(UploadRateRecord uploads, CancellationToken cancellationToken) =>
        records.WriteAsync(UploadsName, JsonSerializer.SerializeToUtf8Bytes(uploads, UploadRateJsonContext.Default.UploadRateRecord), cancellationToken);

    private static string NameOf(string id) => $"{Folder}{id}.json";

    private TorrentRecord? Read(string name, byte[] bytes)
    {
        TorrentRecord? record;
        try
        {
            record = JsonSerializer.Deserialize(bytes, RecordJsonContext.Default.TorrentRecord);
        }
        catch (JsonException e)
        {
            Log.RecordDamaged(logger, name, e);
            return null;
        }

        if (record is { Version: > TorrentRecord.CurrentVersion })
        {
            throw new StorageException(StorageFault.NewerState, $"{name} in state-dir was written by a newer version of QbSync.");
        }

        if (record is null || !InfoHash.TryParse(record.Id, out _))
        {
            Log.RecordDamaged(logger, name, null);
            return null;
        }

        return record;
    }
}
