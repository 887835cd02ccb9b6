namespace QbSync.QBittorrent.Adapters;

/// <summary>
/// What one kind of poll costs the client: the lesser of the last two, so that one stall of a machine does not silence the feed.
/// Arithmetic only.
/// </summary>
internal readonly record struct PollCost(TimeSpan Before, TimeSpan Last)
{
    // A poll may take a twentieth of the time between polls: on older clients it costs CPU in proportion to the number of torrents.
    private const int Thrift = 20;

    // Whatever was measured: what the client has is to be seen in the end.
    private static readonly TimeSpan LongestPause = TimeSpan.FromMinutes(2);

    /// <summary>Least time from the end of a poll to the next.</summary>
    public TimeSpan Pause => (Before < Last ? Before : Last) * Thrift is var pause && pause < LongestPause ? pause : LongestPause;

    /// <summary>With a further poll; what a light call takes is the network's share and no cost.</summary>
    public PollCost Then(TimeSpan duration, TimeSpan lightCall) => new(Last, duration > lightCall ? duration - lightCall : TimeSpan.Zero);
}
