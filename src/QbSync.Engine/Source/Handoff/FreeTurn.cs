namespace QbSync.Engine.Source.Handoff;

/// <summary>Lets every delete go at once.</summary>
internal sealed class FreeTurn : IDeleteTurn
{
    public Task<bool> WaitAsync(HandoffGroup group, CancellationToken cancellationToken) => Task.FromResult(true);

    public void OnDeleted(HandoffGroup group)
    {
    }
}
