using System.Runtime.CompilerServices;

namespace QbSync.Transport.Client.Connections;

/// <summary>
/// The byte stream beneath one HTTP/2 connection: tells, once each, that the peer wants to end the connection and that it is closed. All else goes to the
/// inner stream. The HTTP/2 handler reads and writes it, one of each at a time.
/// </summary>
internal sealed class WatchedStream(Stream inner, Action onGoAway, Action onClosed) : Stream
{
    private readonly GoAwayScanner _scanner = new();
    private Action? _onClosed = onClosed;
    private Action? _onGoAway = onGoAway;

    public override bool CanRead => inner.CanRead;

    public override bool CanSeek => false;

    public override bool CanWrite => inner.CanWrite;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public override int Read(byte[] buffer, int offset, int count)
    {
        var read = inner.Read(buffer, offset, count);
        Scan(buffer.AsSpan(offset, read));
        return read;
    }

    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        var reading = inner.ReadAsync(buffer, cancellationToken);
        if (!reading.IsCompletedSuccessfully)
        {
            return AwaitAsync(reading, buffer);
        }

        var read = reading.Result;
        Scan(buffer.Span[..read]);
        return new ValueTask<int>(read);
    }

    public override void Write(byte[] buffer, int offset, int count) => inner.Write(buffer, offset, count);

    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) =>
        inner.WriteAsync(buffer, cancellationToken);

    public override void Flush() => inner.Flush();

    public override Task FlushAsync(CancellationToken cancellationToken) => inner.FlushAsync(cancellationToken);

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            inner.Dispose();
            Interlocked.Exchange(ref _onClosed, null)?.Invoke();
        }

        base.Dispose(disposing);
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<int> AwaitAsync(ValueTask<int> reading, Memory<byte> buffer)
    {
        var read = await reading.ConfigureAwait(false);
        Scan(buffer.Span[..read]);
        return read;
    }

    private void Scan(ReadOnlySpan<byte> bytes)
    {
        _scanner.Scan(bytes);
        if (_scanner.HasGoneAway)
        {
            Interlocked.Exchange(ref _onGoAway, null)?.Invoke();
        }
    }
}
