namespace QbSync.Engine.Source.Handoff;

/// <summary>
/// Orders deletes: each under pressure waits until the space of the one before has become visible. Those of a drain and of torrents that have seeded
/// enough do not wait. Thread-safe.
/// </summary>
internal interface IDeleteTurn
{
    /// <summary>Waits until the group may delete. False when it is not to wait any longer, and goes back.</summary>
    Task<bool> WaitAsync(HandoffGroup group, CancellationToken cancellationToken);

    /// <summary>The group's entries are gone from the client's list, while its handoff may go on for long.</summary>
    void OnDeleted(HandoffGroup group);
}
