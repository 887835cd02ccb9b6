namespace QbSync.Transport.Server;

/// <summary>
/// Bounds what all piece streams together may have on the way or in memory. A stream's credit is the weight that it may ever have sent: what it has sent and
/// a window, but no more than what was written or dropped and its part of the budget. So a disk that stands still for a moment holds nobody up, and a stream
/// that needs little keeps nothing from others. A disk that is always slower than the source is another matter: a longer queue before it brings nothing but
/// memory, so the whole part is given only while, and for a few seconds after, it stood still; else a few round trips of what comes, where they are known. What
/// is granted and not released never exceeds the limit; a new stream may have to wait. Thread-safe.
/// </summary>
/// <param name="time">For peers with a rate and for disks that stand still; without it there are no rates, and the whole part is given at once.</param>
internal sealed class ReceiveBudget(long limit, long window, TimeProvider? time = null)
{
    private const long LeastAllowance = 256 << 10;
    private static readonly TimeSpan RefillEvery = TimeSpan.FromMilliseconds(50);

    // What all streams together may have before a disk that moves: a gigabit brings as much until it is clear that the disk stands still.
    private const long LeastReach = 16 << 20;
    private const long LeastReachOfOne = 4 << 20;

    // A gigabit: what comes before a disk that stands still may be more than came before.
    private const long LeastRate = 128 << 20;

    // Longer than a busy machine lets a worker wait.
    private static readonly TimeSpan StandsStillAfter = TimeSpan.FromMilliseconds(125);

    // What came meanwhile is written by then, where the disk is the faster one.
    private static readonly TimeSpan StoodStillFor = TimeSpan.FromSeconds(5);
    private readonly Lock _gate = new();
    private readonly List<BudgetShare> _shares = [];
    private long _committed;
    private long _inUse;
    private ITimer? _refill;

    public long Limit => limit;

    /// <summary>Weight received and not released.</summary>
    public long InUse => Interlocked.Read(ref _inUse);

    /// <summary>Weight granted and not released.</summary>
    public long Committed => Interlocked.Read(ref _committed);

    private TimeSpan Now => time?.GetElapsedTime(0) ?? TimeSpan.Zero;

    /// <param name="creditRaised">Called, outside the lock, when credit that was lacking has come. Must not block.</param>
    /// <param name="rate">What the stream's peer may send in a second; null for no bound.</param>
    public BudgetShare Open(Action creditRaised, PeerRate? rate = null)
    {
        var share = new BudgetShare(creditRaised, rate);
        lock (_gate)
        {
            _shares.Add(share);
            if (rate is not null)
            {
                rate.Streams++;
            }

            Raise_NeedsLock(share);
        }

        return share;
    }

    /// <summary>Charges a chunk; false when the source had no credit for it.</summary>
    public bool TryReceive(BudgetShare share, long weight)
    {
        lock (_gate)
        {
            if (weight > share.Granted - share.Received)
            {
                return false;
            }

            if (share.Received == share.Released)
            {
                share.MovedAt = Now;
            }

            share.Received += weight;
            if (!IsStill_NeedsLock(share))
            {
                share.Measure(Now);
            }

            _inUse += weight;
            Raise_NeedsLock(share);
            return true;
        }
    }

    /// <summary>A chunk was written or dropped.</summary>
    public void Release(BudgetShare share, long weight)
    {
        List<BudgetShare>? raised;
        lock (_gate)
        {
            if (IsStill_NeedsLock(share))
            {
                share.RoomyUntil = Now + StoodStillFor;
                share.Room += share.Received - share.Released;
                share.MeasureFrom(Now);
            }

            share.MovedAt = Now;
            share.Released += weight;
            _inUse -= weight;
            _committed -= weight;
            Raise_NeedsLock(share);
            raised = ServeStarved_NeedsLock(share);
        }

        Wake(raised);
    }

    /// <summary>The source gives back what is above <paramref name="credit"/>; false when it has used more than that.</summary>
    public bool TryReturn(BudgetShare share, ulong credit)
    {
        List<BudgetShare>? raised = null;
        lock (_gate)
        {
            if (credit < (ulong)share.Received)
            {
                return false;
            }

            share.Returns++;
            if (credit < (ulong)share.Granted)
            {
                share.Rate?.GiveBack(share.Granted - (long)credit);
                _committed -= share.Granted - (long)credit;
                share.Granted = (long)credit;
                share.IsStarved = false;
                raised = ServeStarved_NeedsLock(share);
            }
        }

        Wake(raised);
        return true;
    }

    /// <summary>How long the way between source and server is now; null where that is not known.</summary>
    public void NoteRoundTrip(BudgetShare share, TimeSpan? roundTrip)
    {
        lock (_gate)
        {
            share.RoundTrip = roundTrip;
        }
    }

    /// <summary>The stream has ended, and none of its chunks is held any more.</summary>
    public void Close(BudgetShare share)
    {
        List<BudgetShare>? raised;
        lock (_gate)
        {
            _shares.Remove(share);
            if (share.Rate is { } rate)
            {
                rate.Streams--;
                rate.GiveBack(share.Granted - share.Received);
            }

            _committed -= share.Granted - share.Released;
            _inUse -= share.Received - share.Released;
            raised = ServeStarved_NeedsLock(share);
        }

        Wake(raised);
    }

    public (long Received, long Granted, long Returns) Read(BudgetShare share)
    {
        lock (_gate)
        {
            return (share.Received, share.Granted, share.Returns);
        }
    }

    /// <summary>Weight that a stream may have on the way and in memory.</summary>
    public long GetAllowance(BudgetShare share)
    {
        lock (_gate)
        {
            return share.Granted - share.Released;
        }
    }

    private void Raise_NeedsLock(BudgetShare share)
    {
        // Three quarters, so that a stream that opens later finds something before the others have given way.
        var part = Math.Max(limit / 4 * 3 / _shares.Count, LeastAllowance);
        if (share.Rate?.GetAllowance() is { } most)
        {
            part = Math.Min(part, Math.Max(most, LeastAllowance));
        }

        var wanted = Math.Min(share.Released + part, share.Received + Math.Max(window, LeastAllowance));
        var target = time is null ? wanted : Math.Min(wanted, share.Released + GetRoom_NeedsLock(share));
        if (target < wanted && share.Received > share.Released)
        {
            RefillLater_NeedsLock();
        }

        var more = Math.Min(target - share.Granted, limit - _committed);
        if (more > 0 && share.Rate is { } rate && rate.Take(more) is var allowed && allowed < more)
        {
            more = allowed;
            RefillLater_NeedsLock();
        }

        if (more > 0)
        {
            share.Granted += more;
            _committed += more;
        }

        share.IsStarved = share.Granted < wanted;
    }

    /// <summary>
    /// Weight that a stream may have on the way and before its disk. While the disk stands still that grows by what its source brings in the time; then it falls with
    /// what is written, so that the source goes on meanwhile, but a disk that was only late never lets the whole part pile up.
    /// </summary>
    private long GetRoom_NeedsLock(BudgetShare share)
    {
        var most = Math.Max(2 * window, LeastAllowance);
        var reach = share.Need is { } need ? Math.Min(most, Math.Max(need, Math.Max(LeastReach / _shares.Count, LeastReachOfOne))) : most;
        if (IsStill_NeedsLock(share))
        {
            var rate = Math.Max(share.BytesPerSecond, (double)LeastRate / _shares.Count);
            return share.Room + (long)(rate * (Now - share.MovedAt + (2 * RefillEvery)).TotalSeconds);
        }

        share.Room = share.RoomyUntil > Now ? Math.Max(reach, Math.Min(share.Room, share.Received - share.Released + reach)) : reach;
        return share.Room;
    }

    /// <summary>Whether something waits for a disk that has done nothing for a while.</summary>
    private bool IsStill_NeedsLock(BudgetShare share) => time is not null && share.Received > share.Released && Now - share.MovedAt >= StandsStillAfter;

    /// <summary>Nothing but time brings a rate's next credit, or shows that a disk stands still.</summary>
    private void RefillLater_NeedsLock()
    {
        if (_refill is null && time is not null)
        {
            _refill = time.CreateTimer(static budget => ((ReceiveBudget)budget!).Refill(), this, RefillEvery, Timeout.InfiniteTimeSpan);
        }
    }

    private void Refill()
    {
        List<BudgetShare>? raised;
        lock (_gate)
        {
            _refill?.Dispose();
            _refill = null;
            raised = ServeStarved_NeedsLock(except: null);
        }

        Wake(raised);
    }

    private List<BudgetShare>? ServeStarved_NeedsLock(BudgetShare? except)
    {
        List<BudgetShare>? raised = null;
        foreach (var share in _shares)
        {
            if (share.IsStarved && share != except && _committed < limit)
            {
                var before = share.Granted;
                Raise_NeedsLock(share);
                if (share.Granted > before)
                {
                    (raised ??= []).Add(share);
                }
            }
        }

        return raised;
    }

    private static void Wake(List<BudgetShare>? raised)
    {
        foreach (var share in raised ?? [])
        {
            share.CreditRaised();
        }
    }
}
