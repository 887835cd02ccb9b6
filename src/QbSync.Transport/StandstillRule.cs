namespace QbSync.Transport;

/// <summary>
/// Whether one of the looks that come about once a second may end what seems to stand. After a long gap between two looks nothing ran here for a while, and
/// what moved meanwhile waits to be read: everything gets a moment for that before the next look counts. One moment a gap, so that a machine that is always
/// late ends things nevertheless. Decides only; fed with the times of the looks. Thread-safe.
/// </summary>
internal sealed class StandstillRule(TimeSpan began)
{
    // A tick is late now and then; no timeout that looks decide about is shorter than this and the moment together.
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan Moment = TimeSpan.FromSeconds(1);

    private readonly Lock _gate = new();
    private TimeSpan _lastLook = began;
    private TimeSpan? _waitsUntil;

    /// <summary>Takes the next look's time; false when it is to end nothing.</summary>
    public bool MayEnd(TimeSpan now)
    {
        lock (_gate)
        {
            var gap = now - _lastLook;
            _lastLook = now > _lastLook ? now : _lastLook;
            if (_waitsUntil is { } until)
            {
                // A timer that makes up for lost time ticks again at once.
                _waitsUntil = now < until ? until : null;
                return now >= until;
            }

            _waitsUntil = gap > Longest ? now + Moment : null;
            return _waitsUntil is null;
        }
    }
}
