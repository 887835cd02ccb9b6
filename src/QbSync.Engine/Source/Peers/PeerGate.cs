using QbSync.Engine.Shared;

namespace QbSync.Engine.Source.Peers;

/// <summary>States of the gate, in the numbers of the circuit breaker metric.</summary>
internal enum PeerGateState
{
    /// <summary>Calls go through.</summary>
    Closed = 0,

    /// <summary>Nothing is called until the next probe is due.</summary>
    Open = 1,

    /// <summary>One probe is under way.</summary>
    HalfOpen = 2,
}

/// <summary>
/// Whether the destination is worth calling: one gate for all torrents, open after three failures in a row, then one probe at a time. Pure: fed with the
/// time; its owner guards it.
/// </summary>
internal sealed class PeerGate(TimeSpan longest)
{
    private const int Threshold = 3;
    private static readonly TimeSpan Healthy = TimeSpan.FromSeconds(60);
    private readonly Backoff _delays = new(TimeSpan.FromSeconds(1), longest);
    private volatile PeerGateState _state;
    private int _failures;
    private TimeSpan _failedAt;
    private TimeSpan? _linkUpAt;

    /// <summary>Where it stands. Scrapes read it without the owner's lock.</summary>
    public PeerGateState State
    {
        get => _state;
        private set => _state = value;
    }

    /// <summary>When the next probe may begin.</summary>
    public TimeSpan ProbeAt { get; private set; }

    /// <summary>Open because the peer answered, and a person has to settle what stands between us.</summary>
    public bool IsParked { get; private set; }

    /// <summary>
    /// A call, or an attempt to connect, failed. True when that opened the gate. What began before the last failure tells nothing new: all that one cut
    /// ends is one failure, and while a probe is under way only the probe counts.
    /// </summary>
    /// <param name="now">The time.</param>
    /// <param name="began">When what failed began.</param>
    /// <param name="chance">0 to 1, for the jitter.</param>
    public bool Failed(TimeSpan now, TimeSpan began, double chance)
    {
        if (State == PeerGateState.Open || (_failures > 0 && began < _failedAt))
        {
            return false;
        }

        if (_linkUpAt is { } up && now - (up > _failedAt ? up : _failedAt) >= Healthy)
        {
            _failures = 0;
        }

        _failedAt = now;
        IsParked = false;
        _failures++;
        if (_failures < Threshold)
        {
            ProbeAt = now + _delays.FullJitter(_failures, chance);
            return false;
        }

        State = PeerGateState.Open;
        ProbeAt = now + _delays.FullJitter(_failures - Threshold + 1, chance);
        return true;
    }

    /// <summary>A call worked, an ack came.</summary>
    public void Succeeded()
    {
        _failures = 0;
        IsParked = false;
        State = PeerGateState.Closed;
    }

    /// <summary>The link has streams. A minute of that makes earlier failures old.</summary>
    public void LinkUp(TimeSpan now)
    {
        Succeeded();
        _linkUpAt = now;
    }

    /// <summary>The link has no stream left. True when that opened the gate.</summary>
    public bool LinkLost(TimeSpan now, double chance)
    {
        var opens = Failed(now, _linkUpAt ?? now, chance);
        _linkUpAt = null;
        return opens;
    }

    /// <summary>The peer is there and will not do: opens, for long. True when it was not open before.</summary>
    public bool Park(TimeSpan now, TimeSpan knockAfter)
    {
        var opens = State == PeerGateState.Closed;
        IsParked = true;
        State = PeerGateState.Open;
        ProbeAt = now + knockAfter;
        return opens;
    }

    /// <summary>What parked it may be settled: the next probe is due. False when it is not parked.</summary>
    public bool Unpark(TimeSpan now)
    {
        ProbeAt = IsParked ? now : ProbeAt;
        return IsParked;
    }

    /// <summary>Begins the one probe of an open gate.</summary>
    public void BeginProbe() => State = State == PeerGateState.Open ? PeerGateState.HalfOpen : State;
}
