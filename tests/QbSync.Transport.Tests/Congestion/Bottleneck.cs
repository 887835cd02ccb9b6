namespace QbSync.Transport.Tests.Congestion;

/// <summary>What all streams share: a queue that is served at a rate, and then the way. What belongs to one stream arrives in order.</summary>
internal sealed class Bottleneck(VirtualTime time, double bytesPerSecond, TimeSpan roundTrip, Random random)
{
    private readonly Queue<(int Bytes, Lane Lane, Action Arrived)> _waiting = [];
    private bool _isServing;

    public double BytesPerSecond { get; set; } = bytesPerSecond;

    public TimeSpan RoundTrip => roundTrip;

    /// <summary>Mean of an exponential delay of what goes out.</summary>
    public TimeSpan Jitter { get; init; }

    /// <summary>How often a chunk comes a round trip late, as what stands behind a lost packet does.</summary>
    public double LateChance { get; init; }

    /// <summary>Bytes that the queue has let through.</summary>
    public long Served { get; private set; }

    /// <summary>Bytes that wait in the queue or are served.</summary>
    public long Queued { get; private set; }

    public void Send(int bytes, Lane lane, Action arrived)
    {
        _waiting.Enqueue((bytes, lane, arrived));
        Queued += bytes;
        Serve();
    }

    /// <summary>What is small goes back without a queue.</summary>
    public void Return(Lane lane, Action arrived) => Deliver(lane, TimeSpan.Zero, arrived);

    /// <summary>What a small call takes now.</summary>
    public TimeSpan Call() => Smoothed() + Delay();

    /// <summary>What TCP would smooth it to.</summary>
    public TimeSpan Smoothed() => roundTrip + TimeSpan.FromSeconds(Queued / BytesPerSecond);

    private TimeSpan Delay() => Jitter == TimeSpan.Zero ? TimeSpan.Zero : -Math.Log(1 - random.NextDouble()) * Jitter;

    private void Serve()
    {
        if (_isServing || !_waiting.TryDequeue(out var chunk))
        {
            return;
        }

        _isServing = true;
        time.In(TimeSpan.FromSeconds(chunk.Bytes / BytesPerSecond), () =>
        {
            _isServing = false;
            Served += chunk.Bytes;
            Queued -= chunk.Bytes;
            Deliver(chunk.Lane, Delay() + (random.NextDouble() < LateChance ? roundTrip : TimeSpan.Zero), chunk.Arrived);
            Serve();
        });
    }

    private void Deliver(Lane lane, TimeSpan delay, Action arrived)
    {
        var at = time.Now + (roundTrip / 2) + delay;
        lane.FreeAt = at > lane.FreeAt ? at : lane.FreeAt;
        time.At(lane.FreeAt, arrived);
    }
}

/// <summary>One direction of a stream, in which nothing passes anything.</summary>
internal sealed class Lane
{
    public TimeSpan FreeAt { get; set; }
}
