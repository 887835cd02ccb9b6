using Microsoft.Extensions.Logging.Abstractions;
using QbSync.Engine.Source.Handoff;
using QbSync.Engine.Source.Records;
using QbSync.Ports;

namespace QbSync.Engine;

/// <summary>What a source's state says to somebody who only looks. Give it records that cannot be changed where another process has them.</summary>
public static class SourceState
{
    /// <summary>Reads every record, as a start would.</summary>
    /// <returns>How many torrents it knows.</returns>
    /// <exception cref="StorageException"><see cref="StorageFault.NewerState"/>: a record is of a newer version.</exception>
    public static async ValueTask<int> CountTorrentsAsync(IDurableRecords records, CancellationToken cancellationToken)
    {
        var store = new RecordStore(records, NullLogger<RecordStore>.Instance);
        await store.LoadUploadsAsync(cancellationToken).ConfigureAwait(false);
        await new HandoffJournal(records, NullLogger<HandoffJournal>.Instance).LoadAsync(cancellationToken).ConfigureAwait(false);
        return (await store.LoadAsync(cancellationToken).ConfigureAwait(false)).Count;
    }

    /// <summary>The source's id; null before its first start.</summary>
    public static async ValueTask<Guid?> FindSourceIdAsync(IDurableRecords records, CancellationToken cancellationToken)
    {
        var id = await new RecordStore(records, NullLogger<RecordStore>.Instance).GetSourceIdAsync(static () => Guid.Empty, cancellationToken).ConfigureAwait(false);
        return id == Guid.Empty ? null : id;
    }
}
