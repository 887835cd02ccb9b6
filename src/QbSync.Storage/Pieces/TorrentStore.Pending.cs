using QbSync.Outcomes;
using QbSync.Ports;

namespace QbSync.Storage.Pieces;

// INTERIM: replaced member by member; this file goes.
public sealed partial class TorrentStore
{
    /// <inheritdoc />
    public ValueTask<StoreOpenOutcome> ReshapeAsync(ITorrentStorage current, StoreRequest next, CancellationToken cancellationToken) => throw new NotSupportedException();

    /// <inheritdoc />
    public ValueTask<IReadOnlyList<string>> SweepLeftoversAsync(TimeSpan age, bool remove, CancellationToken cancellationToken) => throw new NotSupportedException();
}
