namespace QbSync.Transport.Congestion;

/// <summary>Tells when a rate has stopped growing: by less than a quarter in each of three rounds in which nothing but windows held the sender.</summary>
internal struct GrowthWatch
{
    private const double Growth = 1.25;
    private const int FlatRounds = 3;

    private double _rate;
    private long _rounds;
    private int _flat;

    /// <summary>Whether it has, by what is known now.</summary>
    public bool IsFlat(DeliveryRateEstimator rate)
    {
        if (rate.RoundsMeasured == _rounds)
        {
            return false;
        }

        _rounds = rate.RoundsMeasured;
        if (rate.Rate >= _rate * Growth)
        {
            _rate = rate.Rate;
            _flat = 0;
            return false;
        }

        return ++_flat >= FlatRounds;
    }

    /// <summary>Begins anew.</summary>
    public void Reset(DeliveryRateEstimator rate) => (_rate, _rounds, _flat) = (0, rate.RoundsMeasured, 0);
}
