using System.Text.Json;
using Microsoft.Extensions.Logging;
using QbSync.Engine.Source.Cleanup;
using QbSync.Ports;
using QbSync.Torrents;

namespace QbSync.Engine.Source.Records;

/// <summary>The source's durable records over <see cref="IDurableRecords"/>. Thread-safe.</summary>
internal sealed partial class RecordStore(IDurableRecords records, ILogger<RecordStore> logger)
{
    /// <summary>What a torrent fails with that ended the process again and again.</summary>
    public const string RecoveryReason = "its recovery ended the process 3 times (recovery)";

    private const string Folder = "torrents/";
    private const string Suffix = ".json";
    private const string SourceIdName = "source-id";
    private const string UploadsName = "uploads.json";

    /// <summary>The torrent whose record is in hand, for who has to tell which one ended the process.</summary>
    public InfoHash? InHand { get; private set; }

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

    /// <summary>How often torrents ended the process.</summary>
    public ValueTask<RecoveryLedger> LoadLedgerAsync(CancellationToken cancellationToken) => RecoveryLedger.LoadAsync(records, cancellationToken);

    /// <summary>Every readable record, with what is held against torrents read as well.</summary>
    /// <exception cref="StorageException">A record is of a newer version; none was touched.</exception>
    public async ValueTask<IReadOnlyList<TorrentRecord>> LoadAsync(CancellationToken cancellationToken) =>
        await LoadAsync(await LoadLedgerAsync(cancellationToken).ConfigureAwait(false), cancellationToken).ConfigureAwait(false);

    /// <summary>Every readable record. One that cannot be read is set aside and absent: it costs a question at the destination, no data.</summary>
    /// <param name="ledger">Torrents that are out by it come back as failed, whatever their record says.</param>
    /// <param name="cancellationToken">Ends the reading.</param>
    /// <exception cref="StorageException">A record is of a newer version; none was touched.</exception>
    public async ValueTask<IReadOnlyList<TorrentRecord>> LoadAsync(RecoveryLedger ledger, CancellationToken cancellationToken)
    {
        var isOut = ledger.Out.ToHashSet();
        List<TorrentRecord> loaded = [];
        List<string> damaged = [];
        foreach (var name in await records.ListAsync(Folder, cancellationToken).ConfigureAwait(false))
        {
            InHand = IdOf(name);
            if (InHand is { } id && isOut.Contains(id))
            {
                continue;
            }

            if (await records.ReadAsync(name, cancellationToken).ConfigureAwait(false) is not { } bytes)
            {
                continue;
            }

            if (Read(name, bytes) is { } record)
            {
                loaded.Add(record);
            }
            else
            {
                damaged.Add(name);
            }
        }

        // Only now: a folder with a record of a newer version is left exactly as it was.
        InHand = null;
        foreach (var name in damaged)
        {
            await records.SetAsideAsync(name, cancellationToken).ConfigureAwait(false);
        }

        foreach (var id in isOut)
        {
            loaded.Add(await FailAsync(id, cancellationToken).ConfigureAwait(false));
            await ledger.ForgetAsync(id, cancellationToken).ConfigureAwait(false);
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

    private static string NameOf(string id) => $"{Folder}{id}{Suffix}";

    private static InfoHash? IdOf(string name) =>
        name.EndsWith(Suffix, StringComparison.Ordinal) && InfoHash.TryParse(name[Folder.Length..^Suffix.Length], out var id) ? id : null;

    /// <summary>What it had is left behind, since that is what ended the process; the destination is asked when the user wants another try.</summary>
    private async ValueTask<TorrentRecord> FailAsync(InfoHash id, CancellationToken cancellationToken)
    {
        var failed = new TorrentRecord
        {
            Id = id.ToString(),
            ClientId = id.ToString(),
            Name = id.ToString(),
            State = TorrentSyncState.Failed,
            Reason = RecoveryReason,
            OpenedThere = true,
        };
        Log.RecoveryFailed(logger, id, RecoveryLedger.Limit);
        await SaveAsync(failed, cancellationToken).ConfigureAwait(false);
        return failed;
    }

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

        if (record is null || !InfoHash.TryParse(record.Id, out var id) || IdOf(name) != id || !Enum.IsDefined(record.State))
        {
            Log.RecordDamaged(logger, name, null);
            return null;
        }

        return record;
    }
}
