using System.Buffers;
using Microsoft.AspNetCore.Connections;

namespace QbSync.Transport.Server;

/// <summary>
/// Large pinned blocks for Kestrel, last in first out. With its own blocks of 4 KiB each read takes 4 KiB off a socket, which costs a second of CPU a GiB.
/// All pools made here share the idle blocks. Thread-safe.
/// </summary>
internal sealed class BlockPoolFactory(TransportServerOptions options) : IMemoryPoolFactory<byte>
{
    private const long MaxIdleBytes = 64L << 20;
    private readonly Lock _gate = new();
    private readonly Stack<byte[]> _idle = [];
    private readonly Stack<Block> _unused = []; // with TLS a block is rented twice for each record, so that even the owners would be felt

    private int Size => options.BlockBytes;

    public MemoryPool<byte> Create(MemoryPoolOptions? memoryPoolOptions = null) => new BlockPool(this);

    private Block Rent()
    {
        Block? block;
        byte[]? bytes;
        lock (_gate)
        {
            _idle.TryPop(out bytes);
            _unused.TryPop(out block);
        }

        return (block ?? new Block(this)).Own(bytes ?? GC.AllocateUninitializedArray<byte>(Size, pinned: true));
    }

    private void Return(Block block, byte[] bytes)
    {
        lock (_gate)
        {
            if ((_idle.Count + 1L) * Size <= MaxIdleBytes)
            {
                _idle.Push(bytes);
                _unused.Push(block);
            }
        }
    }

    private sealed class BlockPool(BlockPoolFactory factory) : MemoryPool<byte>
    {
        public override int MaxBufferSize => factory.Size;

        public override IMemoryOwner<byte> Rent(int minBufferSize = -1)
        {
            ArgumentOutOfRangeException.ThrowIfGreaterThan(minBufferSize, MaxBufferSize);
            return factory.Rent();
        }

        protected override void Dispose(bool disposing)
        {
            // Blocks belong to the factory, which other pools share.
        }
    }

    private sealed class Block(BlockPoolFactory factory) : IMemoryOwner<byte>
    {
        private byte[]? _bytes;

        public Memory<byte> Memory => _bytes ?? throw new ObjectDisposedException(nameof(Block));

        public Block Own(byte[] bytes)
        {
            _bytes = bytes;
            return this;
        }

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _bytes, null) is { } bytes)
            {
                factory.Return(this, bytes);
            }
        }
    }
}
