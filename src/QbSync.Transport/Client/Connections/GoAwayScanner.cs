using System.Buffers.Binary;

namespace QbSync.Transport.Client.Connections;

/// <summary>
/// Finds GOAWAY in what a peer sends: HTTP/2 tells nobody above it, it only opens another connection for the next call. Reads frame headers and skips the
/// rest; what is wrong with a frame is the HTTP/2 handler's affair. Fed in order, with parts of any size; not thread-safe.
/// </summary>
internal sealed class GoAwayScanner
{
    private const int HeaderLength = 9;
    private const byte GoAway = 7;

    private readonly byte[] _header = new byte[HeaderLength];
    private int _headerRead;
    private long _skip;

    /// <summary>The peer has sent a GOAWAY.</summary>
    public bool HasGoneAway { get; private set; }

    /// <summary>Takes the next bytes.</summary>
    public void Scan(ReadOnlySpan<byte> bytes)
    {
        while (bytes.Length > 0 && !HasGoneAway)
        {
            if (_skip > 0)
            {
                var skipped = (int)Math.Min(_skip, bytes.Length);
                _skip -= skipped;
                bytes = bytes[skipped..];
                continue;
            }

            var taken = Math.Min(HeaderLength - _headerRead, bytes.Length);
            bytes[..taken].CopyTo(_header.AsSpan(_headerRead));
            _headerRead += taken;
            bytes = bytes[taken..];
            if (_headerRead == HeaderLength)
            {
                _headerRead = 0;
                _skip = BinaryPrimitives.ReadInt32BigEndian(_header) >>> 8;
                HasGoneAway = _header[3] == GoAway;
            }
        }
    }
}
