namespace QbSync.Transport.Client.Connections;

/// <summary>What one sample time of a link was like.</summary>
/// <param name="Now">When it ended.</param>
/// <param name="Rate">Bytes a second that the destination took off the streams.</param>
/// <param name="IsUsable">The link held the senders nearly all of the time, and nothing else did; no stream was lost.</param>
/// <param name="CanGrow">There is something to add.</param>
internal readonly record struct ScaleSample(TimeSpan Now, double Rate, bool IsUsable, bool CanGrow)
{
    /// <summary>What an experiment added is open, and carries.</summary>
    public bool IsAddedOpen { get; init; }

    /// <summary>The user's limit; 0 for none.</summary>
    public long RateLimit { get; init; }

    /// <summary>The way there and back, without queues; null while unknown.</summary>
    public TimeSpan? NetworkRoundTrip { get; init; }

    /// <summary>The way there and back as windows reckon it.</summary>
    public TimeSpan RoundTrip { get; init; }
}

/// <summary>What is to be done after a sample.</summary>
internal enum ScaleAction
{
    /// <summary>Nothing.</summary>
    None = 0,

    /// <summary>Add a stream or a connection: an experiment begins.</summary>
    Add = 1,

    /// <summary>What was added stays.</summary>
    Keep = 2,

    /// <summary>What was added goes again.</summary>
    Remove = 3,
}

/// <summary>
/// Whether one more stream or connection makes a link faster, found by trying: the rate before it and the rate with it are measured alike, the base is kept
/// until both are there, and what brought too little goes again. After a failure it pauses. Decides only; fed with samples and their times. Not thread-safe,
/// but for <see cref="IsPaused"/>: the connections' owner has it.
/// </summary>
internal sealed class ConnectionScaler(TransportClientOptions options)
{
    private const int Needed = 3;
    private const int BetterThanAll = 2;
    private const int SettleRoundTrips = 20;
    private const double OffBaseline = 0.25;

    private static readonly TimeSpan Settle = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan LongestSettle = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan TrialPatience = TimeSpan.FromSeconds(60);

    private readonly List<double> _baseline = [];
    private readonly List<double> _trial = [];
    private Stage _stage;
    private TimeSpan _settledAt;
    private TimeSpan _cooldown = options.Cooldown;
    private bool _wasOpen;

    // Of the experiment that failed last: what has to change for the pause to end early.
    private double _failedBaseline;
    private long _failedRateLimit;
    private TimeSpan? _failedRoundTrip;
    private int _off;
    private long _pausedUntil;

    private enum Stage
    {
        Baseline = 0,
        Settling = 1,
        Trial = 2,
    }

    /// <summary>Something was added, and it is not decided yet whether it stays.</summary>
    public bool IsTrying => _stage != Stage.Baseline;

    /// <summary>Whether a failed experiment holds the next one off. From any thread.</summary>
    public bool IsPaused(TimeSpan now) => now.Ticks < Volatile.Read(ref _pausedUntil);

    /// <summary>Takes a sample. Who gets <see cref="ScaleAction.Add"/> does it before the next one, or calls <see cref="Restart"/>.</summary>
    public ScaleAction OnSample(in ScaleSample sample)
    {
        switch (_stage)
        {
            case Stage.Baseline:
                return Measure(sample);
            case Stage.Settling:
                _wasOpen |= sample.IsAddedOpen;
                if (sample.Now >= _settledAt)
                {
                    _stage = Stage.Trial;
                }

                return ScaleAction.None;
            case Stage.Trial:
                return Try(sample);
        }

        throw new InvalidOperationException($"Stage {_stage}.");
    }

    /// <summary>The link is not what it was: what was measured counts no more.</summary>
    public void Restart()
    {
        _stage = Stage.Baseline;
        _baseline.Clear();
        _trial.Clear();
    }

    private ScaleAction Measure(in ScaleSample sample)
    {
        if (IsPaused(sample.Now) && !EndsPause(sample))
        {
            return ScaleAction.None;
        }

        if (!sample.IsUsable)
        {
            _baseline.Clear();
            return ScaleAction.None;
        }

        _baseline.Add(sample.Rate);
        if (_baseline.Count > Needed)
        {
            _baseline.RemoveAt(0);
        }

        if (_baseline.Count < Needed || !sample.CanGrow)
        {
            return ScaleAction.None;
        }

        var settle = Settle + (SettleRoundTrips * sample.RoundTrip);
        _settledAt = sample.Now + (settle < LongestSettle ? settle : LongestSettle);
        _stage = Stage.Settling;
        _wasOpen = false;
        return ScaleAction.Add;
    }

    private ScaleAction Try(in ScaleSample sample)
    {
        _wasOpen |= sample.IsAddedOpen;
        if (sample.IsUsable && sample.IsAddedOpen)
        {
            _trial.Add(sample.Rate);
        }

        if (_trial.Count == Needed)
        {
            return Judge(sample);
        }

        if (sample.Now - _settledAt < TrialPatience)
        {
            return ScaleAction.None;
        }

        // Nothing was learned, unless the peer never took what was added: then it is asked again later, not at once.
        if (!_wasOpen)
        {
            Pause(sample);
        }

        Restart();
        return ScaleAction.Remove;
    }

    private ScaleAction Judge(in ScaleSample sample)
    {
        var best = _baseline.Max();
        if (Median(_trial) >= (1 + options.MinGain) * Median(_baseline) && _trial.Count(rate => rate > best) >= BetterThanAll)
        {
            _cooldown = options.Cooldown;
            var trial = _trial.ToList();
            Restart();
            _baseline.AddRange(trial);
            return ScaleAction.Keep;
        }

        Pause(sample);
        Restart();
        return ScaleAction.Remove;
    }

    private void Pause(in ScaleSample sample)
    {
        (_failedBaseline, _failedRateLimit, _failedRoundTrip, _off) = (Median(_baseline), sample.RateLimit, sample.NetworkRoundTrip, 0);
        Volatile.Write(ref _pausedUntil, (sample.Now + _cooldown).Ticks);
        _cooldown = _cooldown * 2 < options.CooldownMax ? _cooldown * 2 : options.CooldownMax;
    }

    private bool EndsPause(in ScaleSample sample)
    {
        // A sample without demand tells nothing of the link.
        _off = sample.IsUsable && Math.Abs(sample.Rate - _failedBaseline) > OffBaseline * _failedBaseline ? _off + 1 : 0;
        if (_off < Needed && sample.RateLimit == _failedRateLimit && !HasOtherWay(sample.NetworkRoundTrip))
        {
            return false;
        }

        Volatile.Write(ref _pausedUntil, 0);
        return true;
    }

    private bool HasOtherWay(TimeSpan? roundTrip) =>
        (roundTrip, _failedRoundTrip) is ({ } now, { } before) && (now >= 2 * before || 2 * now <= before);

    private static double Median(List<double> rates) => rates.Order().ElementAt(rates.Count / 2);
}
