namespace QbSync.Transport.Client.Connections;

/// <summary>
/// Whether a way loses segments by itself. A full queue loses segments too, but then the round trip is long; where segments go missing again and again while
/// the round trip is at its least, the way is what loses them, and an algorithm that takes loss for a full queue crawls. Fed with the figures of all connections
/// of a link; once found, it stays found. Not thread-safe: the connections' owner has it.
/// </summary>
internal sealed class LossRule
{
    // A queue that lets cubic come to rest above its way's need adds four tenths of a round trip after each loss.
    private const double ShortQueue = 1.25;

    // What cubic loses itself on a way with a queue of a tenth of what is under way stays below this.
    private const double LeastShare = 0.0005;

    private const int NeededLosses = 6;
    private static readonly TimeSpan Window = TimeSpan.FromSeconds(15);

    private readonly Queue<TimeSpan> _losses = new(NeededLosses);
    private long _resent;
    private long _acknowledged;
    private TimeSpan _countedSince;

    /// <summary>The way loses segments.</summary>
    public bool IsLossy { get; private set; }

    /// <summary>Takes two figures of one connection, one after the other.</summary>
    /// <returns>True with the sample that shows it.</returns>
    public bool OnSample(TimeSpan now, in TcpInfo before, in TcpInfo after)
    {
        if (IsLossy || after.Resent is not { } resent || before.Resent is not { } resentBefore
            || after.Acknowledged is not { } acknowledged || before.Acknowledged is not { } acknowledgedBefore
            || after.LeastRoundTrip is not { } least || resent < resentBefore || acknowledged < acknowledgedBefore)
        {
            return false;
        }

        if (now - _countedSince > Window)
        {
            // Halved rather than forgotten: the share is that of the last windows, the newest counting most.
            (_resent, _acknowledged, _countedSince) = (_resent / 2, _acknowledged / 2, now);
        }

        _resent += resent - resentBefore;
        _acknowledged += acknowledged - acknowledgedBefore;
        while (_losses.TryPeek(out var oldest) && now - oldest > Window)
        {
            _losses.Dequeue();
        }

        var longer = before.RoundTrip > after.RoundTrip ? before.RoundTrip : after.RoundTrip;
        if (resent > resentBefore && longer <= least * ShortQueue)
        {
            _losses.Enqueue(now);
        }

        return IsLossy = _losses.Count >= NeededLosses && _resent >= LeastShare * _acknowledged;
    }
}
