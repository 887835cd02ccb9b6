using QbSync.Transport.Client.Connections;
using QbSync.Transport.Congestion;

namespace QbSync.Transport.Client.Pooling;

/// <summary>What a connection carried in a sample.</summary>
/// <param name="Reported">Weight that the destination took off its streams.</param>
/// <param name="Blocked">Time in which a sender waited in a write or at the most that may be in flight.</param>
internal readonly record struct SlotUsage(long Reported, TimeSpan Blocked);

/// <summary>What held the senders in a sample.</summary>
/// <param name="Span">How long it was.</param>
/// <param name="Reported">Weight that the destination took off all streams.</param>
/// <param name="Blocked">Time in which a sender waited in a write or for a window.</param>
/// <param name="WithoutCredit">Time in which a sender waited for credit.</param>
/// <param name="Lost">Streams that ended unasked.</param>
internal readonly record struct LinkUsage(TimeSpan Span, long Reported, TimeSpan Blocked, TimeSpan WithoutCredit, int Lost);

/// <summary>How senders spend their time, for who decides about more streams.</summary>
internal sealed partial class StreamPool
{
    private const int MaxSlots = 32;

    private readonly WaitClock _blocked = new();
    private readonly WaitClock _withoutCredit = new();
    private readonly WaitClock[] _slotBlocked = [.. Enumerable.Range(0, MaxSlots).Select(static _ => new WaitClock())];
    private readonly long[] _slotReported = new long[MaxSlots];
    private TimeSpan _usedSince = clock.Now;
    private int _lost;
    private bool? _isTimedByTcp; // null until TCP was asked
    private TimeSpan? _leastCall;

    /// <summary>Gives what came together since this was asked last, and begins anew.</summary>
    /// <param name="slots">Filled by slot.</param>
    public LinkUsage TakeUsage(Span<SlotUsage> slots)
    {
        lock (_gate)
        {
            var now = clock.Now;
            var reported = 0L;
            for (var slot = 0; slot < slots.Length; slot++)
            {
                slots[slot] = new SlotUsage(_slotReported[slot], _slotBlocked[slot].Take(now));
                reported += _slotReported[slot];
                _slotReported[slot] = 0;
            }

            var usage = new LinkUsage(now - _usedSince, reported, _blocked.Take(now), _withoutCredit.Take(now), _lost);
            (_usedSince, _lost) = (now, 0);
            return usage;
        }
    }

    /// <summary>
    /// Takes what TCP tells of a connection: its acknowledgements are progress of all its streams. But what a stream had on the way when it moved last is acknowledged
    /// after so many bytes; from then on others move, and it alone does not.
    /// </summary>
    public void OnTcp(int slot, in TcpInfo info, bool hasMoved)
    {
        lock (_gate)
        {
            var now = clock.Now;
            if (info.LeastRoundTrip is { } least)
            {
                _isTimedByTcp = true;
                _link.OnNetworkRoundTrip(least, now);
            }

            if (info.IsApplicationLimited is { } limited)
            {
                _link.OnTcpLimits(limited, now);
            }

            if (!hasMoved)
            {
                return;
            }

            NoteTcpProgress_NeedsLock(slot, info.Acknowledged, now);
        }
    }

    private void NoteTcpProgress_NeedsLock(int slot, long? acknowledged, TimeSpan now)
    {
        // What is handed over and not reported, a chunk more of each that takes its turn meanwhile, and a tenth for frames and records around them.
        var onTheWay = 0L;
        foreach (var stream in _streams)
        {
            onTheWay += stream.Slot == slot ? stream.Window.InFlight + stream.MaxChunk : 0;
        }

        foreach (var stream in _streams)
        {
            if (stream.Slot != slot)
            {
                continue;
            }

            if (stream.TcpMark != stream.MovedAt)
            {
                stream.TcpMark = stream.MovedAt;
                stream.TcpUntil = acknowledged + onTheWay + (onTheWay / 10);
            }

            if (acknowledged is null || !(acknowledged > stream.TcpUntil))
            {
                stream.TcpMovedAt = now;
            }
        }
    }

    /// <summary>TCP tells nothing of an open connection: small calls have to do, also those that were before.</summary>
    public void OnTcpSilent()
    {
        lock (_gate)
        {
            _isTimedByTcp ??= false;
            if (_isTimedByTcp == false && _leastCall is { } least)
            {
                _leastCall = null;
                _link.OnNetworkRoundTrip(least, clock.Now);
            }
        }
    }

    /// <summary>A small call was answered. It tells of the way and of the server's time; TCP knows better where it tells anything.</summary>
    public void OnCall(TimeSpan roundTrip)
    {
        lock (_gate)
        {
            switch (_isTimedByTcp)
            {
                case null:
                    _leastCall = _leastCall is { } least && least < roundTrip ? least : roundTrip;
                    break;
                case false:
                    _link.OnNetworkRoundTrip(roundTrip, clock.Now);
                    break;
            }
        }
    }

    /// <summary>The way there and back: without queues, and as windows reckon it.</summary>
    public (TimeSpan? Network, TimeSpan Windows) RoundTrips
    {
        get
        {
            lock (_gate)
            {
                return (_link.NetworkRoundTrip, _link.RoundTrip);
            }
        }
    }

    /// <summary>Whether anything was handed over on a connection since its streams opened.</summary>
    public bool HasCarried(int slot)
    {
        lock (_gate)
        {
            foreach (var stream in _streams)
            {
                if (stream.Slot == slot && stream.Window.HandedOver > 0)
                {
                    return true;
                }
            }
        }

        return false;
    }

    private void BeginWrite_NeedsLock(PooledStream stream, TimeSpan now)
    {
        stream.WritingSince = now;
        _blocked.Enter(now);
        _slotBlocked[stream.Slot].Enter(now);
    }

    private void EndWrite_NeedsLock(PooledStream stream, TimeSpan now)
    {
        if (stream.WritingSince is not null)
        {
            stream.WritingSince = null;
            _blocked.Leave(now);
            _slotBlocked[stream.Slot].Leave(now);
        }
    }

    /// <summary>A sender with a stream waits, for another reason, or no more.</summary>
    private void SetHold_NeedsLock(PooledStream stream, SendHold hold, TimeSpan now)
    {
        if (stream.Hold == hold)
        {
            return;
        }

        GetClock_NeedsLock(stream.Hold)?.Leave(now);
        GetClock_NeedsLock(hold)?.Enter(now);
        CountWindowWaits_NeedsLock(stream.Hold, hold, now);
        if (stream.IsAtMost)
        {
            _slotBlocked[stream.Slot].Leave(now);
        }

        stream.Hold = hold;
        stream.IsAtMost = hold == SendHold.Window && stream.Window.IsAtCap;
        if (stream.IsAtMost)
        {
            _slotBlocked[stream.Slot].Enter(now);
        }
    }

    /// <summary>A sender without a stream waits for the window of any.</summary>
    private void BeginQueueing_NeedsLock(Waiter waiter)
    {
        foreach (var stream in _streams)
        {
            if (!stream.IsRented && !stream.IsDraining)
            {
                waiter.Hold = stream.Window.InFlight >= stream.Window.Size ? SendHold.Window : SendHold.Credit;
                if (waiter.Hold == SendHold.Window)
                {
                    break;
                }
            }
        }

        GetClock_NeedsLock(waiter.Hold)?.Enter(clock.Now);
        CountWindowWaits_NeedsLock(SendHold.None, waiter.Hold, clock.Now);
    }

    private void EndQueueing_NeedsLock(Waiter waiter)
    {
        GetClock_NeedsLock(waiter.Hold)?.Leave(clock.Now);
        CountWindowWaits_NeedsLock(waiter.Hold, SendHold.None, clock.Now);
        waiter.Hold = SendHold.None;
    }

    private WaitClock? GetClock_NeedsLock(SendHold hold) => hold switch
    {
        SendHold.None => null,
        SendHold.Credit => _withoutCredit,
        _ => _blocked,
    };
}
