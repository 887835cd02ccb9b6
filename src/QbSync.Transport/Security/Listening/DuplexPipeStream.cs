using System.Buffers;
using System.IO.Pipelines;
using System.Runtime.CompilerServices;

namespace QbSync.Transport.Security;

/// <summary>A connection's two pipes as the one stream that TLS runs over. Disposing leaves the pipes to their owner.</summary>
/// <param name="onData">Told once, when the first bytes came.</param>
internal sealed class DuplexPipeStream(IDuplexPipe pipe, Action onData) : Stream
{
    private bool _hasData;

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException("Pipes are read asynchronously.");

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException("Pipes are written asynchronously.");

    // Once or more for each TLS record: the state machine is pooled, and mostly not needed.
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (buffer.IsEmpty)
        {
            return 0;
        }

        if (!pipe.Input.TryRead(out var result))
        {
            result = await pipe.Input.ReadAsync(cancellationToken).ConfigureAwait(false);
        }

        if (result.IsCanceled)
        {
            throw new OperationCanceledException("The connection is being ended.");
        }

        return Take(result.Buffer, buffer.Span);
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        var result = await pipe.Output.WriteAsync(buffer, cancellationToken).ConfigureAwait(false);
        if (result.IsCanceled)
        {
            throw new OperationCanceledException("The connection is being ended.");
        }
    }

    public override void Flush()
    {
    }

    public override Task FlushAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    private int Take(ReadOnlySequence<byte> data, Span<byte> to)
    {
        var length = (int)Math.Min(data.Length, to.Length);
        var taken = data.Slice(0, length);
        taken.CopyTo(to);
        pipe.Input.AdvanceTo(taken.End);
        if (length > 0 && !_hasData)
        {
            _hasData = true;
            onData();
        }

        return length;
    }
}

/// <summary>What is inside of TLS, as the pipes that the server reads and writes.</summary>
internal sealed class TlsPipe(PipeReader input, PipeWriter output) : IDuplexPipe
{
    public PipeReader Input => input;

    public PipeWriter Output => output;
}
