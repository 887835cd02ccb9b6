using System.Buffers;
using System.Collections.Concurrent;
using Microsoft.AspNetCore.Connections;

namespace QbSync.Transport.Server;

/// <summary>
/// Large pinned blocks for Kestrel, last in first out. With its own blocks of 4 KiB each read takes 4 KiB off a socket, which costs a second of CPU a GiB.
/// All pools made here share the idle blocks. Thread-safe.
/// </summary>
internal sealed class BlockPoolFactory(TransportServerOptions options) : IMemoryPoolFactory<byte>
{
    private const long MaxIdleBytes = 64L << 20;
    private readonly ConcurrentStack<byte[]> _idle = new();
    private int _idleCount;

    public MemoryPool<byte> Create(MemoryPoolOptions? memoryPoolOptions = null) => new BlockPool(this);

    private byte[] Rent()
    {
        if (_idle.TryPop(out var block))
        {
            Interlocked.Decrement(ref _idleCount);
            return block;
        }

        return GC.AllocateUninitializedArray<byte>(options.BlockBytes, pinned: true);
    }

    private void Return(byte[] block)
    {
        if (Interlocked.Increment(ref _idleCount) * (long)options.BlockBytes > MaxIdleBytes)
        {
            Interlocked.Decrement(ref _idleCount);
            return;
        }

        _idle.Push(block);
    }

    private sealed class BlockPool(BlockPoolFactory factory) : MemoryPool<byte>
    {
        public override int MaxBufferSize => factory.Size;

        public override IMemoryOwner<byte> Rent(int minBufferSize = -1)
        {
            ArgumentOutOfRangeException.ThrowIfGreaterThan(minBufferSize, MaxBufferSize);
            return new Block(factory, factory.Rent());
        }

        protected override void Dispose(bool disposing)
        {
            // Blocks belong to the factory, which other pools share.
        }
    }

    private int Size => options.BlockBytes;

    private sealed class Block(BlockPoolFactory factory, byte[] bytes) : IMemoryOwner<byte>
    {
        private byte[]? _bytes = bytes;

        public Memory<byte> Memory => _bytes ?? throw new ObjectDisposedException(nameof(Block));

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _bytes, null) is { } block)
            {
                factory.Return(block);
            }
        }
    }
}
