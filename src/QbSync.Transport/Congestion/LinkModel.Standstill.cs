namespace QbSync.Transport.Congestion;

/// <summary>
/// Streams that stand still: a connection that lost its way keeps what it has in flight until it is given up, and the window of the link must not be used up
/// by that, or one dead connection would stop all others.
/// </summary>
internal sealed partial class LinkModel
{
    private static readonly TimeSpan LookEvery = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan ShortestStandstill = TimeSpan.FromSeconds(1);

    private TimeSpan _lookedAt;

    private void LookForStandstill(TimeSpan now)
    {
        if (now - _lookedAt < LookEvery)
        {
            return;
        }

        _lookedAt = now;
        var patience = 4 * RoundTrip > ShortestStandstill ? 4 * RoundTrip : ShortestStandstill;
        foreach (var window in _windows)
        {
            if (window.InFlight > window.Stuck && now - window.LastBusy >= patience)
            {
                _stuck += window.InFlight - window.Stuck;
                window.Stuck = window.InFlight;
            }
        }
    }

    private void Unstick(CongestionWindow window)
    {
        _stuck -= window.Stuck;
        window.Stuck = 0;
    }
}
