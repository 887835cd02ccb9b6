namespace QbSync.Engine.Source.Tracking;

/// <summary>Bounds how often the client is asked for pieces, over all torrents: ten times in any second. Pure: fed with the time; owned by the monitor.</summary>
internal sealed class PieceCallPace
{
    private const int Most = 10;
    private static readonly TimeSpan Window = TimeSpan.FromSeconds(1);
    private readonly Queue<TimeSpan> _calls = new(Most);

    /// <summary>Whether one more call may begin now; it counts if so.</summary>
    public bool TryBegin(TimeSpan now)
    {
        while (_calls.TryPeek(out var oldest) && now - oldest >= Window)
        {
            _calls.Dequeue();
        }

        if (_calls.Count >= Most)
        {
            return false;
        }

        _calls.Enqueue(now);
        return true;
    }
}
