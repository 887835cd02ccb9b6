using System.Net.Security;

namespace QbSync.Transport.Client.Connections;

/// <summary>What is inside of TLS, for HTTP/2 to run over. Closing it ends what follows the connection.</summary>
internal sealed class TlsStream(SslStream ssl, RecordGatherer records, IDisposable followed) : Stream
{
    public override bool CanRead => ssl.CanRead;

    public override bool CanSeek => false;

    public override bool CanWrite => ssl.CanWrite;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public override int Read(byte[] buffer, int offset, int count) => ssl.Read(buffer, offset, count);

    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) => ssl.ReadAsync(buffer, cancellationToken);

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException("Connections are written asynchronously.");

    /// <summary>One write at a time, as HTTP/2 does; all its records leave together.</summary>
    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        records.Gather();
        var encrypting = ssl.WriteAsync(buffer, cancellationToken);
        return encrypting.IsCompletedSuccessfully ? records.SendAsync(cancellationToken) : SendAfterAsync(encrypting, cancellationToken);
    }

    public override void Flush() => ssl.Flush();

    public override Task FlushAsync(CancellationToken cancellationToken) => ssl.FlushAsync(cancellationToken);

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            followed.Dispose();
            ssl.Dispose();
        }

        base.Dispose(disposing);
    }

    private async ValueTask SendAfterAsync(ValueTask encrypting, CancellationToken cancellationToken)
    {
        await encrypting.ConfigureAwait(false);
        await records.SendAsync(cancellationToken).ConfigureAwait(false);
    }
}
