namespace QbSync.Engine.Source.Streaming;

/// <summary>Bounds how many torrents have pieces on their way at once. Not thread-safe: the scheduler's gate guards it.</summary>
/// <param name="most">0 for no bound.</param>
internal sealed class ActiveLimit(int most)
{
    /// <summary>0 for no bound. What is on its way when it is lowered ends there.</summary>
    public int Most { get; set; } = most;

    private readonly HashSet<PieceStream> _active = [];

    /// <summary>Forgets those whose pieces are all answered; once before a choice, since acknowledgements come by themselves.</summary>
    public void Refresh()
    {
        if (_active.Count >= Most)
        {
            _active.RemoveWhere(static stream => stream.Table.Out == 0);
        }
    }

    public bool Allows(PieceStream stream) => Most == 0 || _active.Count < Most || _active.Contains(stream);

    public void OnTaken(PieceStream stream)
    {
        if (Most > 0)
        {
            _active.Add(stream);
        }
    }
}
