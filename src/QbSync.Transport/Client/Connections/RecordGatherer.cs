using System.Net.Sockets;

namespace QbSync.Transport.Client.Connections;

/// <summary>
/// Stands between TLS and its socket: TLS writes each record of 16 KiB by itself, and a system call each costs a sender more than the encryption. What one write
/// makes is gathered and sent at once, in order, whoever wrote it. Thread-safe.
/// </summary>
internal sealed class RecordGatherer(Socket socket) : Stream
{
    private const int Most = 256 << 10;
    private readonly NetworkStream _inner = new(socket, ownsSocket: true);
    private readonly Lock _gate = new();
    private byte[] _gathered = new byte[64 << 10];
    private byte[] _sending = [];
    private int _count;
    private bool _isGathering;
    private bool _isSending;

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    /// <summary>What is written from now on waits for <see cref="SendAsync"/>.</summary>
    public void Gather()
    {
        lock (_gate)
        {
            _isGathering = true;
        }
    }

    /// <summary>Sends what was gathered.</summary>
    public ValueTask SendAsync(CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            _isGathering = false;
        }

        return SendGatheredAsync(cancellationToken);
    }

    public override int Read(byte[] buffer, int offset, int count) => _inner.Read(buffer, offset, count);

    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) => _inner.ReadAsync(buffer, cancellationToken);

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException("Connections are written asynchronously.");

    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        bool mayWait;
        lock (_gate)
        {
            if (_gathered.Length - _count < buffer.Length)
            {
                Array.Resize(ref _gathered, Math.Max(2 * _gathered.Length, _count + buffer.Length));
            }

            buffer.Span.CopyTo(_gathered.AsSpan(_count));
            _count += buffer.Length;
            mayWait = _isGathering && _count < Most;
        }

        return mayWait ? ValueTask.CompletedTask : SendGatheredAsync(cancellationToken);
    }

    public override void Flush()
    {
    }

    public override Task FlushAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _inner.Dispose();
        }

        base.Dispose(disposing);
    }

    /// <summary>One sends at a time, and sends what others add meanwhile: records leave in the order in which they were made.</summary>
    [System.Runtime.CompilerServices.AsyncMethodBuilder(typeof(System.Runtime.CompilerServices.PoolingAsyncValueTaskMethodBuilder))]
    private async ValueTask SendGatheredAsync(CancellationToken cancellationToken)
    {
        while (TrySwap(out var count))
        {
            try
            {
                await _inner.WriteAsync(_sending.AsMemory(0, count), cancellationToken).ConfigureAwait(false);
            }
            finally
            {
                lock (_gate)
                {
                    _isSending = false;
                }
            }
        }
    }

    private bool TrySwap(out int count)
    {
        lock (_gate)
        {
            count = _count;
            if (_isSending || count == 0)
            {
                return false;
            }

            (_gathered, _sending) = (_sending.Length > 0 ? _sending : new byte[_gathered.Length], _gathered);
            (_count, _isSending) = (0, true);
            return true;
        }
    }
}
