using System.Runtime.InteropServices;

namespace QbSync.Testing.Networks;

/// <summary>Packets on their way, in order, in memory that no collector sees. Not thread-safe.</summary>
internal sealed unsafe class PacketRing : IDisposable
{
    private const int SlotBytes = 1536;
    private readonly int _mask;
    private readonly byte* _bytes;
    private readonly int[] _lengths;
    private readonly long[] _outAt;
    private int _head;
    private int _count;

    /// <param name="slots">A power of two.</param>
    public PacketRing(int slots)
    {
        _mask = slots - 1;
        _lengths = new int[slots];
        _outAt = new long[slots];
        _bytes = (byte*)NativeMemory.Alloc((nuint)slots, SlotBytes);
    }

    public bool IsFull => _count > _mask;

    public bool IsEmpty => _count == 0;

    /// <summary>Where the next packet may be read to.</summary>
    public byte* Free => _bytes + ((nint)((_head + _count) & _mask) * SlotBytes);

    public byte* First => _bytes + ((nint)_head * SlotBytes);

    public int FirstLength => _lengths[_head];

    public long FirstOutAt => _outAt[_head];

    /// <summary>Keeps what was read to <see cref="Free"/>.</summary>
    public void Add(int length, long outAt)
    {
        var slot = (_head + _count) & _mask;
        _lengths[slot] = length;
        _outAt[slot] = outAt;
        _count++;
    }

    public void RemoveFirst()
    {
        _head = (_head + 1) & _mask;
        _count--;
    }

    public void Dispose() => NativeMemory.Free(_bytes);
}
