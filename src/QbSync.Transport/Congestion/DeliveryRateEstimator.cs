namespace QbSync.Transport.Congestion;

/// <summary>What had been delivered when a chunk was handed over.</summary>
/// <param name="FirstSentAt">When the chunk was handed over that the sample's sending time counts from.</param>
/// <param name="Delivered">Weight reported by then.</param>
/// <param name="DeliveredAt">When that was reported.</param>
/// <param name="IsLimited">Whether something else than a window held the sender.</param>
internal readonly record struct DeliveryMark(TimeSpan FirstSentAt, long Delivered, TimeSpan DeliveredAt, bool IsLimited);

/// <summary>
/// How fast a stream or a link delivers, as BBR's drafts measure it: what was reported since a chunk was handed over, over the longer of the time it took to
/// send and the time it took to be reported. Keeps the largest sample of ten rounds. Fed with facts and their times; not thread-safe.
/// </summary>
internal sealed class DeliveryRateEstimator
{
    private const int Rounds = 10;

    private readonly double[] _largest = new double[Rounds];
    private TimeSpan _firstSentAt;
    private TimeSpan _deliveredAt;
    private long _delivered;
    private long _limitedUntil = -1;
    private long _roundEnds;
    private bool _roundIsLimited = true;
    private int _slot;

    /// <summary>Bytes a second; 0 before the first sample.</summary>
    public double Rate { get; private set; }

    /// <summary>Weight handed over and not reported.</summary>
    public long InFlight { get; private set; }

    /// <summary>Weight reported, ever.</summary>
    public long Delivered => _delivered;

    /// <summary>Rounds that ended, limited ones too.</summary>
    public long RoundsEnded { get; private set; }

    /// <summary>Rounds that ended and in which a window held the sender at least once.</summary>
    public long RoundsMeasured { get; private set; }

    /// <summary>Something else than a window holds the sender now: what is in flight measures that, not the link.</summary>
    public void MarkLimited() => _limitedUntil = _delivered + InFlight;

    /// <summary>A chunk is handed over. Gives what its report is to be given back with.</summary>
    public DeliveryMark OnHandedOver(int weight, TimeSpan now)
    {
        if (InFlight == 0)
        {
            // Idle time is no time of delivery.
            _firstSentAt = now;
            _deliveredAt = now;
        }

        InFlight += weight;
        return new DeliveryMark(_firstSentAt, _delivered, _deliveredAt, _limitedUntil >= _delivered);
    }

    /// <summary>So much of what was handed over did not go out, or is lost with its stream.</summary>
    public void Drop(long weight) => InFlight -= weight;

    /// <summary>So much was reported.</summary>
    public void OnDelivered(long weight, TimeSpan now)
    {
        InFlight -= weight;
        _delivered += weight;
        _deliveredAt = now;
    }

    /// <summary>A chunk is among what was reported, the newest of its stream.</summary>
    public void Sample(in DeliveryMark mark, TimeSpan sentAt, TimeSpan now)
    {
        // Reports of several streams cross; the sending time counts from the newest chunk that is known to have arrived.
        if (sentAt > _firstSentAt)
        {
            _firstSentAt = sentAt;
        }

        var elapsed = now - mark.DeliveredAt;
        if (sentAt - mark.FirstSentAt > elapsed)
        {
            elapsed = sentAt - mark.FirstSentAt;
        }

        if (elapsed > TimeSpan.Zero)
        {
            Take((_delivered - mark.Delivered) / elapsed.TotalSeconds, mark.IsLimited);
        }

        if (mark.Delivered >= _roundEnds)
        {
            EndRound();
        }
    }

    /// <summary>What was measured is no longer true; what is in flight stays known.</summary>
    public void Forget()
    {
        Array.Clear(_largest);
        Rate = 0;
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
        _roundEnds = _delivered;
        RoundsEnded++;
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
