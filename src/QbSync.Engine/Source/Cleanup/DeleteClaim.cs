namespace QbSync.Engine.Source.Cleanup;

/// <summary>How far a group is on the way to its delete.</summary>
internal enum DeleteStep
{
    /// <summary>On its way.</summary>
    Coming = 0,

    /// <summary>Proven, and waiting for its turn.</summary>
    Waiting = 1,

    /// <summary>It has the turn.</summary>
    Deleting = 2,

    /// <summary>Gone from the client; its space is not visible yet.</summary>
    Deleted = 3,
}

/// <summary>A group's place among the deletes of a file system. Guarded by <see cref="DeleteTurns"/>.</summary>
internal sealed class DeleteClaim(ulong? device, IReadOnlyDictionary<ulong, long> frees)
{
    private TaskCompletionSource<bool>? _turn;
    private long? _lowest;

    /// <summary>The file system for which it goes; null while that is not known.</summary>
    public ulong? Device { get; set; } = device;

    /// <summary>Per device what it frees.</summary>
    public IReadOnlyDictionary<ulong, long> Frees { get; } = frees;

    /// <summary>What it frees on its device.</summary>
    public long Bytes { get; init; } = device is { } known ? frees.GetValueOrDefault(known) : 0;

    public DeleteStep Step { get; private set; }

    /// <summary>Since when it is in this step.</summary>
    public TimeSpan At { get; private set; }

    public bool HasTurn => Step is DeleteStep.Deleting or DeleteStep.Deleted;

    /// <summary>Begins to wait; what is to be awaited.</summary>
    public Task<bool> Wait(TimeSpan now)
    {
        if (Step != DeleteStep.Waiting || _turn is null)
        {
            (Step, At) = (DeleteStep.Waiting, now);
            _turn = new TaskCompletionSource<bool>(TaskCreationOptions.RunContinuationsAsynchronously);
        }

        return _turn.Task;
    }

    public void Take(long free) => (Step, _lowest) = (DeleteStep.Deleting, free);

    public void Deleted(TimeSpan now) => (Step, At) = (DeleteStep.Deleted, now);

    /// <summary>Gives up its place; the one who waits is told by <see cref="Tell"/>, if at all.</summary>
    public void Leave() => Step = DeleteStep.Coming;

    public void Tell(bool mayDelete) => _turn?.TrySetResult(mayDelete);

    /// <summary>Others go on writing meanwhile: the rise counts from the lowest figure since the turn began.</summary>
    public void See(long? free)
    {
        if (HasTurn && free is { } known)
        {
            _lowest = Math.Min(_lowest ?? known, known);
        }
    }

    /// <summary>Whether half of what it freed is visible.</summary>
    public bool IsSeen(long? free) => free is { } known && _lowest is { } lowest && known - lowest >= Bytes / 2;
}

/// <summary>The deletes of a file system. Guarded by <see cref="DeleteTurns"/>.</summary>
internal sealed class DeleteLine
{
    public long? Free { get; set; }

    public TimeSpan RestsUntil { get; set; } = TimeSpan.MinValue;
}
