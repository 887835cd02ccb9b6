using QbSync.Outcomes;
using QbSync.Pieces;
using QbSync.Ports;
using QbSync.Torrents;

namespace QbSync.Storage.Pieces;

// INTERIM: replaced member by member; this file goes.
internal sealed partial class TorrentStorage
{
    public event Action? SettleDue
    {
        add { }
        remove { }
    }

    public int DeferredPieces => 0;

    public PieceBitmap CopyDeferred() => new(_have.Length);

    public ValueTask<SettleOutcome> SettleAsync(IProgress<long>? bytesRead, CancellationToken cancellationToken) => ValueTask.FromResult(new SettleOutcome(0, 0, false, null));
}
