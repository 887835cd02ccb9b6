using Grpc.Core;
using Microsoft.Extensions.Time.Testing;
using QbSync.Outcomes;
using QbSync.Pieces;
using QbSync.Ports;
using QbSync.Testing.Specifications;
using QbSync.Testing.Waiting;
using QbSync.Transport.Server;
using QbSync.Transport.Tests.Client;
using QbSync.Transport.Tests.Wire;
using QbSync.Transport.Wire;
using QbSync.Transport.Wire.Protocol;

namespace QbSync.Transport.Tests.Server;

/// <summary>A stream's frames before a disk that stands still: what is answered by the clock, and what by the disk.</summary>
internal sealed class FrameQueueTests
{
    private const int Chunk = 64 << 10;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(40);

    [Test]
    [TransportCase(40)]
    public async Task Expire_DiskThatMovesJustThen_GoesOnAndTellsItsVerdict()
    {
        await using var stream = new Stream();
        var written = stream.Disk.Begin(stream);
        stream.Send(0);
        await written.DefaultTimeout();
        stream.Time.Advance(Patience);

        // Where the piece ends is asked between the look that finds it late and the one that ends it.
        stream.Disk.OnAsked = stream.Disk.MoveOn;
        stream.Queue.Expire();
        stream.Send(Chunk);
        await stream.EndAsync();

        Assert.That(stream.Answers, Is.EqualTo(new[] { PieceAckStatus.Accepted }));
    }

    [Test]
    [TransportCase(40)]
    public async Task Expire_DiskThatStandsStill_IsAnsweredForAndItsVerdictIsNotTold()
    {
        await using var stream = new Stream();
        var written = stream.Disk.Begin(stream);
        stream.Send(0);
        await written.DefaultTimeout();
        stream.Send(Chunk);
        stream.Time.Advance(Patience);

        stream.Queue.Expire();
        stream.Disk.MoveOn();
        await stream.EndAsync();

        Assert.That(stream.Answers, Is.EqualTo(new[] { PieceAckStatus.StorageError }));
    }

    /// <summary>The server's end of a stream with one piece of two chunks.</summary>
    private sealed class Stream : IServerStreamWriter<DestinationFrame>, IAsyncDisposable
    {
        private readonly TestSerialization _wire = new(Chunk + 100);
        private readonly OutgoingFrame _frame = new();
        private readonly ChunkBufferPool _buffers = new();
        private readonly ReceiveBudget _budget;
        private readonly BudgetShare _share;
        private readonly AckWriter _acks;
        private readonly Task _acking;
        private bool _hasEnded;

        public Stream()
        {
            var registry = Prometheus.Metrics.NewCustomRegistry();
            var metrics = TransportMetrics.ForDestination(Prometheus.Metrics.WithCustomRegistry(registry), registry, static () => (0, 0), static () => (0, 1));
            Workers = new WriteWorkers(new TransportServerOptions(), Time);
            _budget = new ReceiveBudget(16 << 20, 16 << 20, Time);
            _acks = new AckWriter(this, _budget, metrics, TimeSpan.Zero, Time);
            _share = _budget.Open(_acks.Wake);
            Queue = new FrameQueue(
                Workers, new PieceAssembler(Disk, new Caller(Guid.NewGuid(), "test"), _acks, metrics), _budget, _share, _acks, 5000, Patience, Time);
            _acking = _acks.RunAsync(_share, 16 << 20, CancellationToken.None);
        }

        public FakeTimeProvider Time { get; } = new();

        public WriteWorkers Workers { get; }

        public FrameQueue Queue { get; }

        public HeldDisk Disk { get; } = new();

        public List<PieceAckStatus> Answers { get; } = [];

        WriteOptions? IAsyncStreamWriter<DestinationFrame>.WriteOptions { get; set; }

        public void Send(int offset)
        {
            _wire.Clear();
            PieceMarshaller.Write(_frame.SetChunk(1, new TestSource(1, 2 * Chunk), offset, Chunk, isFirst: offset == 0), _wire);
            var chunk = FrameReader.Read(_wire.Written, _buffers);
            Assert.That(_budget.TryReceive(_share, SyncLimits.Weigh(chunk.Length)), Is.True);
            Assert.That(Queue.Add(chunk), Is.Null);
        }

        /// <summary>What was sent is worked on and answered.</summary>
        public async Task EndAsync()
        {
            _hasEnded = true;
            Queue.Complete(drop: false);
            await Queue.Drained.DefaultTimeout();
            _acks.Complete();
            await _acking.DefaultTimeout();
        }

        public async ValueTask DisposeAsync()
        {
            Disk.MoveOn();
            if (!_hasEnded)
            {
                await EndAsync();
            }

            await Workers.DisposeAsync();
            _budget.Close(_share);
        }

        /// <summary>One writer, which <see cref="EndAsync"/> waits for.</summary>
        Task IAsyncStreamWriter<DestinationFrame>.WriteAsync(DestinationFrame message)
        {
            if (message.Acks is { } batch)
            {
                Answers.AddRange(batch.Accepted.Select(static _ => PieceAckStatus.Accepted));
                Answers.AddRange(batch.Nack.Select(static nack => (PieceAckStatus)(int)nack.Status));
            }

            return Task.CompletedTask;
        }
    }

    /// <summary>A disk that stands still with the first chunk until it is told to move on.</summary>
    private sealed class HeldDisk : IPieceIntake, IPieceTransfer
    {
        private readonly ManualResetEventSlim _moves = new();
        private readonly TaskCompletionSource _begun = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private Stream? _stream;

        /// <summary>What happens when somebody asks where the piece ends.</summary>
        public Action? OnAsked { get; set; }

        /// <summary>Ends when the first chunk is being written.</summary>
        public Task Begin(Stream stream)
        {
            _stream = stream;
            return _begun.Task;
        }

        /// <summary>The disk writes; ends when no worker is at work.</summary>
        public void MoveOn()
        {
            _moves.Set();
            Assert.That(SpinWait.SpinUntil(() => _stream!.Workers.Snapshot.Busy == 0, TimeSpan.FromMinutes(2)), Is.True);
        }

        public PieceAckStatus Begin(Caller caller, PieceRef piece, ulong epoch, out IPieceTransfer? transfer)
        {
            transfer = this;
            return PieceAckStatus.Pending;
        }

        public int? GetEnd(PieceRef piece)
        {
            OnAsked?.Invoke();
            return 2 * Chunk;
        }

        public PieceAckStatus Write(int offset, ReadOnlySpan<byte> data)
        {
            _begun.TrySetResult();
            _moves.Wait();
            return offset + data.Length == 2 * Chunk ? PieceAckStatus.Accepted : PieceAckStatus.Pending;
        }

        public void Dispose()
        {
            // A transfer ends.
        }
    }
}
