using Grpc.Core;
using QbSync.Outcomes;
using QbSync.Pieces;
using QbSync.Ports;
using QbSync.Transport.Client;
using QbSync.Transport.Client.Pooling;
using QbSync.Transport.Client.Sending;
using QbSync.Transport.Server;
using QbSync.Transport.Tests.Client;
using QbSync.Transport.Tests.Wire;
using QbSync.Transport.Wire;
using QbSync.Transport.Wire.Protocol;

namespace QbSync.Transport.Tests.Server;

/// <summary>
/// Both ends of one stream in one process: sender, pool, window, both marshallers, budget, queue, workers and ack writer are the real ones; what they read and
/// write is nothing.
/// </summary>
internal sealed class InProcessPath : IFrameWriter, IServerStreamWriter<DestinationFrame>, IPieceIntake, IPieceTransfer, IAsyncDisposable
{
    public const int ChunkBytes = 256 << 10; // what a chunk is before anything was measured

    private readonly StreamPool _pool;
    private readonly TransportMetrics _sent;
    private readonly PieceSender _sender;
    private readonly TestSerialization _wire = new(ChunkBytes + 100);
    private readonly ChunkBufferPool _buffers = new();
    private readonly ReceiveBudget _budget = new(16 << 20, 16 << 20, TimeProvider.System);
    private readonly PooledStream _stream;
    private readonly BudgetShare _share;
    private readonly FrameQueue _queue;
    private readonly AckWriter _acks;
    private readonly Task _acking;
    private readonly int _pieceChunks;
    private int _answered;

    public InProcessPath(WriteWorkers workers, int pieceChunks)
    {
        _pieceChunks = pieceChunks;
        var registry = Prometheus.Metrics.NewCustomRegistry();
        var metrics = TransportMetrics.ForDestination(Prometheus.Metrics.WithCustomRegistry(registry), registry, static () => (0, 0), static () => (0, 1));
        _acks = new AckWriter(this, _budget, metrics, TimeSpan.Zero, TimeProvider.System);
        _share = _budget.Open(_acks.Wake);
        var assembler = new PieceAssembler(this, new Caller(Guid.NewGuid(), "test"), _acks, metrics);
        _queue = new FrameQueue(workers, assembler, _budget, _share, _acks, 5000, TimeSpan.FromSeconds(40), TimeProvider.System);
        _stream = new PooledStream(0, this, ChunkBytes);
        var sending = Prometheus.Metrics.NewCustomRegistry();
        _sent = TransportMetrics.ForSource(
            Prometheus.Metrics.WithCustomRegistry(sending), sending, new TransportClientOptions { Address = "localhost:1" }, TimeProvider.System);
        var clock = new LinkClock(TimeProvider.System);
        _pool = new StreamPool(clock, _sent, new CongestionOptions { StartWindow = 16 << 20 });
        _sender = new PieceSender(_pool, new RateLimiter(TimeProvider.System, clock), new ResendLedger(), _sent);
        _pool.Add(_stream, _budget.Read(_share).Granted, 16 << 20);

        // As many buffers as the budget allows: how many are in use at once is the machine's affair.
        var warm = Enumerable.Range(0, 80).Select(_ => _buffers.Rent(ChunkBytes)).ToList();
        warm.ForEach(static buffer => buffer.Return());
        _acking = _acks.RunAsync(_share, 16 << 20, CancellationToken.None);
    }

    /// <summary>Chunks that went over.</summary>
    public int Sent { get; private set; }

    /// <summary>Pieces that were accepted.</summary>
    public int Answered => Volatile.Read(ref _answered);

    WriteOptions? IAsyncStreamWriter<DestinationFrame>.WriteOptions { get; set; }

    public ValueTask<SendOutcome> SendAsync(int piece) => _sender.SendAsync(new Source(piece, _pieceChunks * ChunkBytes), CancellationToken.None);

    public async ValueTask DisposeAsync()
    {
        _queue.Complete(drop: false);
        await _queue.Drained;
        _acks.Complete();
        await _acking;
        _budget.Close(_share);
        _pool.Dispose();
    }

    /// <summary>Client to server.</summary>
    ValueTask<bool> IFrameWriter.WriteAsync(OutgoingFrame frame)
    {
        _wire.Clear();
        PieceMarshaller.Write(frame, _wire);
        var chunk = FrameReader.Read(_wire.Written, _buffers);
        if (!_budget.TryReceive(_share, SyncLimits.Weigh(chunk.Length)))
        {
            throw new InvalidOperationException("A chunk without credit.");
        }

        Sent++;
        _acks.Received();
        return new ValueTask<bool>(_queue.Add(chunk) is null);
    }

    /// <summary>Server to client.</summary>
    Task IAsyncStreamWriter<DestinationFrame>.WriteAsync(DestinationFrame message)
    {
        if (message.Acks is not { } batch)
        {
            return Task.CompletedTask;
        }

        _pool.OnReport(_stream, batch.Received, batch.Credit, batch.Returns, TimeSpan.FromMicroseconds(batch.DelayUs));
        foreach (var transfer in batch.Accepted)
        {
            _pool.OnAnswer(_stream, transfer, out var piece, out var waited);
            _sent.PieceAcked(waited, piece.Bytes);
            Interlocked.Increment(ref _answered);
        }

        return Task.CompletedTask;
    }

    void IFrameWriter.End(StreamEnd cause) => throw new InvalidOperationException($"The stream ended: {cause}.");

    void IFrameWriter.Ping()
    {
        // Nobody is silent here.
    }

    void IFrameWriter.ReturnCredit(long limit) => _budget.TryReturn(_share, (ulong)limit);

    PieceAckStatus IPieceIntake.Begin(Caller caller, PieceRef piece, ulong epoch, out IPieceTransfer? transfer)
    {
        transfer = this;
        return PieceAckStatus.Pending;
    }

    /// <summary>One stream carries one piece at a time.</summary>
    PieceAckStatus IPieceTransfer.Write(int offset, ReadOnlySpan<byte> data) =>
        offset + data.Length == _pieceChunks * ChunkBytes ? PieceAckStatus.Accepted : PieceAckStatus.Pending;

    void IDisposable.Dispose()
    {
        // A transfer ends.
    }

    private sealed class Source(int index, int length) : IChunkSource
    {
        public PieceRef Piece { get; } = new(TestSource.Torrent, index);

        public ulong Epoch => 1;

        public long Attempt => index;

        public IReadOnlyList<(int Offset, int Length)> Ranges { get; } = [(0, length)];

        public bool TryFill(int offset, Span<byte> destination) => true;

        public void Dispose()
        {
        }
    }
}
