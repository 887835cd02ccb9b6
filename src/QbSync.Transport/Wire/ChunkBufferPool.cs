namespace QbSync.Transport.Wire;

/// <summary>
/// Buffers for received chunks, last in first out so that a warm one is used again. Holds as many as were in use at once, at most
/// <paramref name="maxIdleBytes"/>. Thread-safe.
/// </summary>
internal sealed class ChunkBufferPool(long maxIdleBytes = 64L << 20)
{
    private static readonly int[] Sizes = [64 << 10, 256 << 10, 512 << 10, MaxLength];

    private readonly Lock _gate = new();
    private readonly Stack<ChunkBuffer>[] _idle = [new(), new(), new(), new()]; // by size
    private long _idleBytes;
    private int _rented;

    /// <summary>Largest chunk that fits.</summary>
    public const int MaxLength = 1 << 20;

    /// <summary>Buffers not returned yet.</summary>
    public int Rented => Volatile.Read(ref _rented);

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
                    return buffer;
                }
            }
        }

        return new ChunkBuffer(this, smallest, GC.AllocateUninitializedArray<byte>(Sizes[smallest]));
    }

    internal void Return(ChunkBuffer buffer)
    {
        lock (_gate)
        {
            _rented--;
            if (_idleBytes + buffer.Bytes.Length <= maxIdleBytes)
            {
                _idleBytes += buffer.Bytes.Length;
                _idle[buffer.Size].Push(buffer);
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
