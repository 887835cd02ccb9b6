using System.Buffers;

namespace QbSync.QBittorrent.Json;

/// <summary>Feeds an answer to its parser as it comes, through one rented buffer: only one element has to fit, however long the answer is.</summary>
internal static class StreamedAnswer
{
    private const int FirstBuffer = 64 * 1024;

    /// <summary>Longest element: a torrent, a file, a name. One of 1 MiB is no torrent.</summary>
    private const int LongestElement = 1024 * 1024;

    /// <summary>Reads to the end; the parser is disposed of.</summary>
    /// <exception cref="InvalidDataException">The answer is longer than <paramref name="limit"/>, or an element than what any can be.</exception>
    public static async ValueTask<T> ReadAsync<T>(Stream stream, StreamParser<T> parser, long limit, CancellationToken cancellationToken)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(FirstBuffer);
        try
        {
            using var ownParser = parser;
            var kept = 0;
            var total = 0L;
            while (true)
            {
                // Filled up before each turn, so that an element that comes byte by byte is not read again for each of them.
                var filled = await stream.ReadAtLeastAsync(buffer.AsMemory(kept), buffer.Length - kept, throwOnEndOfStream: false, cancellationToken)
                    .ConfigureAwait(false);
                total += filled;
                if (total > limit)
                {
                    throw new InvalidDataException($"The answer is longer than {limit} bytes.");
                }

                var length = kept + filled;
                var areLast = length < buffer.Length;
                var taken = parser.Take(buffer.AsSpan(0, length), areLast);
                if (areLast)
                {
                    return parser.Finish();
                }

                kept = length - taken;
                buffer = MakeRoom(buffer, taken, kept);
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    /// <summary>An answer that is there already.</summary>
    public static T Read<T>(ReadOnlySpan<byte> answer, StreamParser<T> parser)
    {
        using var ownParser = parser;
        parser.Take(answer, areLast: true);
        return parser.Finish();
    }

    private static byte[] MakeRoom(byte[] buffer, int taken, int kept)
    {
        if (kept < buffer.Length / 2)
        {
            buffer.AsSpan(taken, kept).CopyTo(buffer);
            return buffer;
        }

        if (buffer.Length > LongestElement)
        {
            throw new InvalidDataException($"An element of the answer is longer than {LongestElement} bytes.");
        }

        var larger = ArrayPool<byte>.Shared.Rent(buffer.Length * 2);
        buffer.AsSpan(taken, kept).CopyTo(larger);
        ArrayPool<byte>.Shared.Return(buffer);
        return larger;
    }
}
