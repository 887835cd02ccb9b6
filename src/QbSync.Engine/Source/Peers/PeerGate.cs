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
    private readonly Backoff _delays = new(TimeSpan.FromSeconds(1), longest);
    private int _failures;

    public PeerGateState State { get; private set; }

    /// <summary>When the next probe may begin.</summary>
    public TimeSpan ProbeAt { get; private set; }

    /// <summary>Open because the peer answered, and a person has to settle what stands between us.</summary>
    public bool IsParked { get; private set; }

    /// <summary>A call failed. True when that opened the gate.</summary>
    /// <param name="chance">0 to 1, for the jitter.</param>
    public bool Failed(TimeSpan now, double chance)
    {
        if (State == PeerGateState.Open)
        {
            return false;
        }

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
