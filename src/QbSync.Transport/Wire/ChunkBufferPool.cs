using System.Collections.Concurrent;

namespace QbSync.Transport.Wire;

/// <summary>
/// Buffers for received chunks, last in first out so that a warm one is used again. Holds as many as were in use at once, at most
/// <paramref name="maxIdleBytes"/>. Thread-safe.
/// </summary>
internal sealed class ChunkBufferPool(long maxIdleBytes = 64L << 20)
{
    private readonly SizeClass[] _classes = [new(64 << 10), new(256 << 10), new(1 << 20)];
    private long _idleBytes;
    private int _rented;

    /// <summary>Largest chunk that fits.</summary>
    public const int MaxLength = 1 << 20;

    /// <summary>Buffers not returned yet.</summary>
    public int Rented => Volatile.Read(ref _rented);

    public ChunkBuffer Rent(int length)
    {
        foreach (var sizes in _classes)
        {
            if (length <= sizes.Length)
            {
                Interlocked.Increment(ref _rented);
                if (sizes.Idle.TryPop(out var buffer))
                {
                    Interlocked.Add(ref _idleBytes, -sizes.Length);
                    return buffer;
                }

                return new ChunkBuffer(this, GC.AllocateUninitializedArray<byte>(sizes.Length));
            }
        }

        throw new ArgumentOutOfRangeException(nameof(length), length, $"A chunk has at most {MaxLength} bytes.");
    }

    internal void Return(ChunkBuffer buffer)
    {
        Interlocked.Decrement(ref _rented);
        var length = buffer.Bytes.Length;
        if (Interlocked.Add(ref _idleBytes, length) > maxIdleBytes)
        {
            Interlocked.Add(ref _idleBytes, -length);
            return;
        }

        Array.Find(_classes, sizes => sizes.Length == length)!.Idle.Push(buffer);
    }

    private sealed class SizeClass(int length)
    {
        public int Length => length;

        public ConcurrentStack<ChunkBuffer> Idle { get; } = new();
    }
}

/// <summary>A buffer of a <see cref="ChunkBufferPool"/>.</summary>
internal sealed class ChunkBuffer(ChunkBufferPool pool, byte[] bytes)
{
    public byte[] Bytes => bytes;

    /// <summary>Gives it back; its owner calls this once.</summary>
    public void Return() => pool.Return(this);
}
