namespace QbSync.Transport.Tests.Congestion;

/// <summary>Events in the order of their time, and of their making where that is the same: a run is the same each time.</summary>
internal sealed class VirtualTime
{
    private readonly PriorityQueue<Action, (TimeSpan At, long Order)> _events = new();
    private long _made;

    public TimeSpan Now { get; private set; }

    public void At(TimeSpan at, Action what) => _events.Enqueue(what, (at > Now ? at : Now, _made++));

    public void In(TimeSpan delay, Action what) => At(Now + delay, what);

    /// <summary>Runs all that happens until then.</summary>
    public void RunUntil(TimeSpan until)
    {
        while (_events.TryPeek(out var what, out var key) && key.At <= until)
        {
            _events.Dequeue();
            Now = key.At;
            what();
        }

        Now = until;
    }
}
