namespace QbSync.Transport.Congestion;

/// <summary>
/// How fast a stream delivers, as BBR's drafts measure it: what was reported since a chunk was handed over, over the longer of the time it took to send and
/// the time it took to be reported. Keeps the largest sample of ten rounds. Fed with facts and their times; not thread-safe.
/// </summary>
internal sealed class DeliveryRateEstimator
{
    private const int Rounds = 10;

    private readonly SentChunks _sent = new();
    private readonly double[] _largest = new double[Rounds];
    private TimeSpan _firstSentAt;
    private TimeSpan _deliveredAt;
    private long _handedOver;
    private long _delivered;
    private long _limitedUntil = -1;
    private long _roundEnds;
    private bool _roundIsLimited = true;
    private int _slot;

    /// <summary>Bytes a second; 0 before the first sample.</summary>
    public double Rate { get; private set; }

    /// <summary>Rounds that ended and in which the window held the sender at least once.</summary>
    public int RoundsMeasured { get; private set; }

    /// <summary>Something else than the window holds the sender now: what is in flight measures that, not the link.</summary>
    public void MarkLimited() => _limitedUntil = _handedOver;

    public void OnHandedOver(int weight, TimeSpan now)
    {
        if (_handedOver == _delivered)
        {
            // Idle time is no time of delivery.
            _firstSentAt = now;
            _deliveredAt = now;
        }

        var limited = _limitedUntil >= _delivered;
        _handedOver += weight;
        _sent.Push(new SentChunk(_handedOver, now, _firstSentAt, _delivered, _deliveredAt, limited));
    }

    /// <summary>The newest chunk did not go out after all.</summary>
    public void TakeBack(int weight)
    {
        _handedOver -= weight;
        _sent.DropNewest();
    }

    /// <summary>Takes a report; gives the hand-over time of the newest chunk that it covers, or null when it covers none.</summary>
    public TimeSpan? OnReported(long delivered, TimeSpan now)
    {
        _delivered = delivered;
        _deliveredAt = now;
        if (!_sent.TryTake(delivered, out var chunk))
        {
            return null;
        }

        _firstSentAt = chunk.SentAt;
        var roundEnded = chunk.Delivered >= _roundEnds;
        var elapsed = now - chunk.DeliveredAt;
        if (chunk.SentAt - chunk.FirstSentAt > elapsed)
        {
            elapsed = chunk.SentAt - chunk.FirstSentAt;
        }

        if (elapsed > TimeSpan.Zero)
        {
            Take((delivered - chunk.Delivered) / elapsed.TotalSeconds, chunk.IsLimited);
        }

        if (roundEnded)
        {
            EndRound();
        }

        return chunk.SentAt;
    }

    /// <summary>What was measured is no longer true; what is in flight stays known.</summary>
    public void Forget()
    {
        Array.Clear(_largest);
        Rate = 0;
        RoundsMeasured = 0;
        _roundIsLimited = true;
    }

    private void Take(double rate, bool limited)
    {
        // A sample that something else held down says only that the link does at least this.
        if (limited && rate <= Rate)
        {
            return;
        }

        _roundIsLimited &= limited;
        _largest[_slot] = Math.Max(_largest[_slot], rate);
        Rate = Math.Max(Rate, rate);
    }

    private void EndRound()
    {
        _roundEnds = _handedOver;
        if (_roundIsLimited)
        {
            return;
        }

        RoundsMeasured++;
        _slot = (_slot + 1) % Rounds;
        _largest[_slot] = 0;
        _roundIsLimited = true;
        Rate = 0;
        foreach (var largest in _largest)
        {
            Rate = Math.Max(Rate, largest);
        }
    }
}
