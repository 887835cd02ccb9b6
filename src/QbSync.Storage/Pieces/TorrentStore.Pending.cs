using QbSync.Outcomes;
using QbSync.Ports;

namespace QbSync.Storage.Pieces;

// INTERIM: replaced member by member; this file goes.
public sealed partial class TorrentStore
{
    /// <inheritdoc />
    public ValueTask<StoreOpenOutcome> ReshapeAsync(ITorrentStorage current, StoreRequest next, CancellationToken cancellationToken) => throw new NotSupportedException();
}
