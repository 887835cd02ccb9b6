using System.Buffers;

namespace QbSync.QBittorrent.Http;

/// <summary>An answer's bytes in pooled memory, bounded after decompression. Owned by the exchange; not valid after dispose.</summary>
internal sealed class AnswerBody : IDisposable
{
    private byte[] _bytes;

    private AnswerBody(byte[] bytes) => _bytes = bytes;

    public int Length { get; private set; }

    public ReadOnlyMemory<byte> Bytes => _bytes.AsMemory(0, Length);

    /// <exception cref="InvalidDataException">It is longer than <paramref name="limit"/>.</exception>
    public static async ValueTask<AnswerBody> ReadAsync(HttpContent content, int limit, CancellationToken cancellationToken)
    {
        var expected = (int)Math.Clamp(content.Headers.ContentLength ?? 0, 4096, Math.Min(limit, 1 << 20));
        var body = new AnswerBody(ArrayPool<byte>.Shared.Rent(expected));
        try
        {
            using var stream = await content.ReadAsStreamAsync(cancellationToken).ConfigureAwait(false);
            while (true)
            {
                var read = await stream.ReadAsync(body._bytes.AsMemory(body.Length), cancellationToken).ConfigureAwait(false);
                if (read == 0)
                {
                    return body;
                }

                body.Length += read;
                if (body.Length > limit)
                {
                    throw new InvalidDataException($"The answer is longer than {limit} bytes.");
                }

                body.Grow();
            }
        }
        catch
        {
            body.Dispose();
            throw;
        }
    }

    public void Dispose()
    {
        if (_bytes.Length > 0)
        {
            ArrayPool<byte>.Shared.Return(_bytes);
            _bytes = [];
            Length = 0;
        }
    }

    private void Grow()
    {
        if (Length < _bytes.Length)
        {
            return;
        }

        var larger = ArrayPool<byte>.Shared.Rent(_bytes.Length * 2);
        _bytes.CopyTo(larger, 0);
        ArrayPool<byte>.Shared.Return(_bytes);
        _bytes = larger;
    }
}
