namespace QbSync.Transport.Client.Pooling;

/// <summary>How long at least one of several waited. Fed with times; not thread-safe: the pool's gate guards it.</summary>
internal sealed class WaitClock
{
    private int _waiting;
    private TimeSpan _since;
    private TimeSpan _waited;

    public void Enter(TimeSpan now)
    {
        if (_waiting++ == 0)
        {
            _since = now;
        }
    }

    public void Leave(TimeSpan now)
    {
        if (--_waiting == 0)
        {
            _waited += now - _since;
        }
    }

    /// <summary>What came together since this was asked last.</summary>
    public TimeSpan Take(TimeSpan now)
    {
        var waited = _waited + (_waiting > 0 ? now - _since : TimeSpan.Zero);
        (_waited, _since) = (TimeSpan.Zero, now);
        return waited;
    }
}
