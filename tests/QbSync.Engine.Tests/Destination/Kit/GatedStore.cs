using QbSync.Outcomes;
using QbSync.Ports;
using QbSync.Storage.Pieces;

namespace QbSync.Engine.Tests.Destination.Kit;

/// <summary>The real store, with faults before its calls and gates in its torrents.</summary>
internal sealed class GatedStore(RigDisk disk, TorrentStore inner) : ITorrentStore
{
    private readonly Lock _gate = new();
    private readonly List<GatedStorage> _open = [];

    public ulong Incarnation => inner.Incarnation;

    /// <summary>Torrents in the order in which they were recovered, opened, or given another shape.</summary>
    public IReadOnlyList<GatedStorage> Open
    {
        get
        {
            lock (_gate)
            {
                return [.. _open];
            }
        }
    }

    public int Opened { get; private set; }

    /// <summary>Set to hold back openings until the test lets them go.</summary>
    public Task OpenGate { get; set; } = Task.CompletedTask;

    /// <summary>Ends when local content of torrents that are opened from now on may be looked at.</summary>
    public Task SettleGate { get; set; } = Task.CompletedTask;

    /// <summary>What <see cref="GetTrouble"/> says, if not the real store.</summary>
    public Refusal? Trouble { get; set; }

    public async ValueTask<IReadOnlyList<ITorrentStorage>> RecoverAsync(CancellationToken cancellationToken)
    {
        var recovered = await inner.RecoverAsync(cancellationToken);
        return [.. recovered.Select(Gate)];
    }

    public async ValueTask<StoreOpenOutcome> OpenAsync(StoreRequest request, CancellationToken cancellationToken)
    {
        await OpenGate.WaitAsync(cancellationToken);
        disk.ThrowIfFaulty(nameof(OpenAsync));
        lock (_gate)
        {
            Opened++;
        }

        return Gate(await inner.OpenAsync(request, cancellationToken));
    }

    public async ValueTask<StoreOpenOutcome> ReshapeAsync(ITorrentStorage current, StoreRequest next, CancellationToken cancellationToken)
    {
        disk.ThrowIfFaulty(nameof(ReshapeAsync));
        return Gate(await inner.ReshapeAsync(((GatedStorage)current).Inner, next, cancellationToken));
    }

    public ValueTask<IReadOnlyList<string>> SweepLeftoversAsync(TimeSpan age, bool remove, CancellationToken cancellationToken) =>
        inner.SweepLeftoversAsync(age, remove, cancellationToken);

    public Refusal? GetTrouble() => Trouble ?? inner.GetTrouble();

    public long? GetFreeBytes() => disk.FreeBytes;

    public ValueTask DisposeAsync() => inner.DisposeAsync();

    private StoreOpenOutcome Gate(StoreOpenOutcome outcome) => outcome.Storage is { } storage ? outcome with { Storage = Gate(storage) } : outcome;

    private GatedStorage Gate(ITorrentStorage storage)
    {
        var gated = new GatedStorage(disk, storage) { SettleGate = SettleGate };
        lock (_gate)
        {
            _open.Add(gated);
        }

        return gated;
    }
}
