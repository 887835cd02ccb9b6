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

    /// <summary>A call failed. True when that opened the gate.</summary>
    /// <param name="chance">0 to 1, for the jitter.</param>
    public bool Failed(TimeSpan now, double chance)
    {
        if (State == PeerGateState.Open)
        {
            return false;
        }

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
        State = PeerGateState.Closed;
    }

    /// <summary>Begins the one probe of an open gate.</summary>
    public void BeginProbe() => State = State == PeerGateState.Open ? PeerGateState.HalfOpen : State;
}
