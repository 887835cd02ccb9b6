namespace QbSync.Transport.Server;

/// <summary>A stream's part of the budget. Its numbers belong to the budget's gate.</summary>
internal sealed class BudgetShare(Action creditRaised, PeerRate? rate = null)
{
    // So many round trips that are as long as now: a window that grows, and a queue on the way, must never wait for credit.
    private const int RoundTrips = 4;

    // What waits for the disk beside that: workers are late by so much on a busy machine.
    private static readonly TimeSpan Lateness = TimeSpan.FromMilliseconds(15);
    private static readonly TimeSpan ShortestSample = TimeSpan.FromMilliseconds(100);

    private long _sampled;
    private TimeSpan _sampledAt;

    public Action CreditRaised => creditRaised;

    public PeerRate? Rate => rate;

    public long Granted { get; set; }

    public long Received { get; set; }

    public long Released { get; set; }

    /// <summary>ReturnCredits taken.</summary>
    public long Returns { get; set; }

    /// <summary>When something was written or dropped last, or began to wait for that.</summary>
    public TimeSpan MovedAt { get; set; }

    /// <summary>Its disk stood still: until then it may have <see cref="Room"/>.</summary>
    public TimeSpan RoomyUntil { get; set; }

    /// <summary>Weight that it came to have, or may come to have, because its disk stood still.</summary>
    public long Room { get; set; }

    /// <summary>Has less than it may come to have.</summary>
    public bool IsStarved { get; set; }

    /// <summary>What came lately.</summary>
    public double BytesPerSecond { get; private set; }

    /// <summary>How long the way is; null where that is not known.</summary>
    public TimeSpan? RoundTrip { get; set; }

    /// <summary>Weight on the way and before the disk that keeps both busy at the rate of the last moments; null where nothing is known of the way.</summary>
    public long? Need => RoundTrip is { } trip ? (long)(BytesPerSecond * ((RoundTrips * trip) + Lateness).TotalSeconds) : null;

    /// <summary>A chunk came, before a disk that moves.</summary>
    public void Measure(TimeSpan now)
    {
        var elapsed = now - _sampledAt;
        if (elapsed >= ShortestSample && elapsed >= RoundTrip.GetValueOrDefault())
        {
            // Falls slowly, so that a moment with nothing to send does not cost what comes after it.
            BytesPerSecond = Math.Max((Received - _sampled) / elapsed.TotalSeconds, BytesPerSecond * 7 / 8);
            MeasureFrom(now);
        }
    }

    /// <summary>What came while a disk stood still was allowed for, and says nothing.</summary>
    public void MeasureFrom(TimeSpan now) => (_sampled, _sampledAt) = (Received, now);
}
