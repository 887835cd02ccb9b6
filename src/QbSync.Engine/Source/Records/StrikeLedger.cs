namespace QbSync.Engine.Source.Records;

/// <summary>
/// The strikes of one torrent. Three make it fail; they come at least 30 s apart, and each is forgotten after 6 h. Wall time, since they survive a restart.
/// Owned by the engine's loop.
/// </summary>
internal sealed class StrikeLedger
{
    public const int Limit = 3;

    /// <summary>A fault that comes sooner after a strike is none.</summary>
    public static readonly TimeSpan Apart = TimeSpan.FromSeconds(30);

    private static readonly TimeSpan Memory = TimeSpan.FromHours(6);
    private readonly List<DateTimeOffset> _at = [];

    public StrikeLedger()
    {
    }

    public StrikeLedger(IEnumerable<DateTimeOffset> at) => _at.AddRange(at.Order());

    /// <summary>When they came, oldest first.</summary>
    public IReadOnlyList<DateTimeOffset> At => _at;

    /// <summary>Counts a fault; false when it comes too soon after the one before.</summary>
    public bool Add(DateTimeOffset now)
    {
        _at.RemoveAll(at => now - at > Memory);
        if (_at.Count > 0 && now - _at[^1] < Apart)
        {
            return false;
        }

        _at.Add(now);
        return true;
    }

    /// <summary>Whether the torrent has failed.</summary>
    public bool IsOut(DateTimeOffset now) => _at.Count(at => now - at <= Memory) >= Limit;

    /// <summary>Forgets them all.</summary>
    public void Clear() => _at.Clear();
}
