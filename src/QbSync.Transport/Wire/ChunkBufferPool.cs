namespace QbSync.Transport.Wire;

/// <summary>
/// Buffers for received chunks, last in first out so that a warm one is used again. Keeps as many as were in use at once lately, since a slow disk that let
/// hundreds of megabytes wait will do so again, and goes back to little when that was a while ago. Thread-safe.
/// </summary>
/// <param name="mostBytes">The most that it keeps, idle or in use.</param>
/// <param name="time">Tells when it was a while ago; without it no more than little is ever kept.</param>
internal sealed class ChunkBufferPool(long mostBytes = ChunkBufferPool.RestBytes, TimeProvider? time = null)
{
    private const long RestBytes = 64L << 20;

    // What was in use at once counts for one to two of these.
    private static readonly TimeSpan Period = TimeSpan.FromSeconds(15);
    private static readonly int[] Sizes = [64 << 10, 256 << 10, 512 << 10, MaxLength];

    private readonly Lock _gate = new();
    private readonly Stack<ChunkBuffer>[] _idle = [new(), new(), new(), new()]; // by size
    private readonly long _rest = Math.Min(RestBytes, mostBytes);
    private long _idleBytes;
    private long _rentedBytes;
    private long _peak; // of this period
    private long _peakBefore;
    private int _rented;
    private bool _isTicking;
    private ITimer? _timer;

    /// <summary>Largest chunk that fits.</summary>
    public const int MaxLength = 1 << 20;

    /// <summary>Buffers not returned yet.</summary>
    public int Rented => Volatile.Read(ref _rented);

    /// <summary>Bytes kept for who rents next.</summary>
    public long IdleBytes => Interlocked.Read(ref _idleBytes);

    public ChunkBuffer Rent(int length)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(length, MaxLength);
        var smallest = 0;
        while (length > Sizes[smallest])
        {
            smallest++;
        }

        lock (_gate)
        {
            _rented++;

            // A larger one that nobody uses serves too: chunk sizes change with the rate, and what is idle is memory already.
            for (var size = smallest; size < Sizes.Length; size++)
            {
                if (_idle[size].TryPop(out var buffer))
                {
                    _idleBytes -= Sizes[size];
                    NoteRented_NeedsLock(Sizes[size]);
                    return buffer;
                }
            }

            NoteRented_NeedsLock(Sizes[smallest]);
        }

        return new ChunkBuffer(this, smallest, GC.AllocateUninitializedArray<byte>(Sizes[smallest]));
    }

    internal void Return(ChunkBuffer buffer)
    {
        lock (_gate)
        {
            _rented--;
            _rentedBytes -= buffer.Bytes.Length;
            Trim_NeedsLock(buffer.Size, GetMostIdle_NeedsLock() - buffer.Bytes.Length);
            if (_idleBytes + buffer.Bytes.Length <= GetMostIdle_NeedsLock())
            {
                _idleBytes += buffer.Bytes.Length;
                _idle[buffer.Size].Push(buffer);
            }
        }
    }

    private long GetMostIdle_NeedsLock()
    {
        var peak = time is null ? 0 : Math.Min(Math.Max(_peak, _peakBefore), mostBytes);
        return Math.Max(_rest, peak - _rentedBytes);
    }

    /// <summary>
    /// Lets smaller ones than <paramref name="than"/> go, the smallest first: a larger one serves in their place, but not the other way round, and those of a time of
    /// small chunks must not keep the larger ones of today from being used again.
    /// </summary>
    private void Trim_NeedsLock(int than, long most)
    {
        for (var size = 0; size < than && _idleBytes > most; size++)
        {
            while (_idleBytes > most && _idle[size].TryPop(out _))
            {
                _idleBytes -= Sizes[size];
            }
        }
    }

    private void NoteRented_NeedsLock(int bytes)
    {
        _rentedBytes += bytes;
        _peak = Math.Max(_peak, _rentedBytes);
        if (_peak > _rest && !_isTicking && time is not null)
        {
            _isTicking = true;
            _timer ??= time.CreateTimer(static pool => ((ChunkBufferPool)pool!).OnPeriod(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
            _timer.Change(Period, Timeout.InfiniteTimeSpan);
        }
    }

    private void OnPeriod()
    {
        lock (_gate)
        {
            (_peakBefore, _peak) = (_peak, _rentedBytes);
            Trim_NeedsLock(Sizes.Length, GetMostIdle_NeedsLock());
            _isTicking = Math.Max(_peak, _peakBefore) > _rest;
            if (_isTicking)
            {
                _timer!.Change(Period, Timeout.InfiniteTimeSpan);
            }
        }
    }
}

/// <summary>A buffer of a <see cref="ChunkBufferPool"/>.</summary>
internal sealed class ChunkBuffer(ChunkBufferPool pool, int size, byte[] bytes)
{
    public byte[] Bytes => bytes;

    /// <summary>Which of the pool's sizes it has.</summary>
    public int Size => size;

    /// <summary>Gives it back; its owner calls this once.</summary>
    public void Return() => pool.Return(this);
}
