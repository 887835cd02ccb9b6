using QbSync.Outcomes;
using QbSync.Ports;

namespace QbSync.Engine.Tests.Destination.Kit;

/// <summary>A store in memory that keeps the promises of its port: bits after bytes, bad pieces cleared at read-back, nothing overwritten.</summary>
internal sealed class MemoryStore(MemoryDisk disk) : ITorrentStore
{
    private readonly List<MemoryStorage> _open = [];

    public ulong Incarnation { get; init; } = 7;

    public IReadOnlyList<MemoryStorage> Open => _open;

    public int Opened { get; private set; }

    public ValueTask<IReadOnlyList<ITorrentStorage>> RecoverAsync(CancellationToken cancellationToken)
    {
        lock (disk.Gate)
        {
            _open.AddRange(disk.Torrents.Values.Select(saved => new MemoryStorage(disk, saved)));
            return ValueTask.FromResult<IReadOnlyList<ITorrentStorage>>([.. _open]);
        }
    }

    public ValueTask<StoreOpenOutcome> OpenAsync(StoreRequest request, CancellationToken cancellationToken)
    {
        disk.ThrowIfFaulty(nameof(OpenAsync));
        lock (disk.Gate)
        {
            Opened++;
            var saved = new MemoryDisk.Saved(request);
            foreach (var file in request.Manifest.Files)
            {
                if (!file.IsReal || !request.Selection.IsSelected(file.Index) || !disk.Files.TryGetValue(MemoryStorage.GetPath(request, file.Index), out var bytes))
                {
                    continue;
                }

                if (bytes.Length != file.Length)
                {
                    return ValueTask.FromResult(new StoreOpenOutcome(null, new Refusal(RefusalReason.PathConflict, MemoryStorage.GetPath(request, file.Index))));
                }

                bytes.CopyTo(saved.Bytes, file.Offset);
                saved.Published.Add(file.Index);
            }

            var storage = new MemoryStorage(disk, saved);
            storage.AdoptPublished();
            disk.Torrents.Add(request.Manifest.Id, saved);
            _open.Add(storage);
            return ValueTask.FromResult(new StoreOpenOutcome(storage, null));
        }
    }

    public ValueTask<StoreOpenOutcome> ReshapeAsync(ITorrentStorage current, StoreRequest next, CancellationToken cancellationToken) =>
        throw new NotSupportedException();

    public ValueTask<IReadOnlyList<string>> SweepLeftoversAsync(TimeSpan age, bool remove, CancellationToken cancellationToken) =>
        ValueTask.FromResult<IReadOnlyList<string>>([]);

    public Refusal? GetTrouble() => null;

    public long? GetFreeBytes() => disk.FreeBytes;

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
