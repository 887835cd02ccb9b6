using System.Threading.Channels;

namespace QbSync.Transport.Server;

/// <summary>
/// The process's workers that hash and write. Each takes a stream that has frames, works a while for it and puts it back, so that every stream gets its
/// turn, and no stream has two. Owned by the container, which disposes it when the server has stopped. Thread-safe.
/// </summary>
internal sealed class WriteWorkers : IAsyncDisposable
{
    public const int MaxQueues = 4096;

    private readonly Channel<FrameQueue> _ready = Channel.CreateBounded<FrameQueue>(MaxQueues); // a stream stands in it once, and there are not more
    private readonly Task[] _workers;
    private int _busy;
    private int _waiting;

    public WriteWorkers(TransportServerOptions options)
    {
        _workers = new Task[options.WorkerCount];
        for (var i = 0; i < _workers.Length; i++)
        {
            _workers[i] = Task.Run(WorkAsync);
        }
    }

    /// <summary>Pieces whose first chunk waits for a worker, and workers at work.</summary>
    public (int Waiting, int Busy) Snapshot => (Volatile.Read(ref _waiting), Volatile.Read(ref _busy));

    public void Schedule(FrameQueue queue)
    {
        if (!_ready.Writer.TryWrite(queue))
        {
            throw new InvalidOperationException("A stream was scheduled after the workers had ended, or twice.");
        }
    }

    public void PieceQueued() => Interlocked.Increment(ref _waiting);

    public void PieceTaken() => Interlocked.Decrement(ref _waiting);

    public async ValueTask DisposeAsync()
    {
        _ready.Writer.TryComplete();
        await Task.WhenAll(_workers).ConfigureAwait(false);
    }

    private async Task WorkAsync()
    {
        while (await _ready.Reader.WaitToReadAsync().ConfigureAwait(false))
        {
            while (_ready.Reader.TryRead(out var queue))
            {
                Interlocked.Increment(ref _busy);
                queue.Run();
                Interlocked.Decrement(ref _busy);
            }
        }
    }
}
