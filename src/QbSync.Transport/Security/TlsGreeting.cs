using System.Buffers.Binary;

namespace QbSync.Transport.Security;

/// <summary>
/// The listener's word on a dialer's certificate. TLS 1.3 ends for the dialer before the listener has judged it, and .NET sends no alert, so a refusal would look
/// like a broken connection, which is tried again at once and shown as an outage. Said in HTTP/2's own frames (RFC 9113 4.1, 6.5, 6.8): empty SETTINGS for yes,
/// GOAWAY for no; the dialer takes it off before HTTP/2 begins.
/// </summary>
internal static class TlsGreeting
{
    private const int HeaderBytes = 9;
    private const int TypeAt = 3;
    private const byte Settings = 0x4;
    private const byte GoAway = 0x7;
    private const int GoAwayBytes = 8;
    private const uint InadequateSecurity = 0xc;

    public static async Task SendAcceptedAsync(Stream stream, CancellationToken cancellationToken)
    {
        var frame = new byte[HeaderBytes];
        frame[TypeAt] = Settings;
        await stream.WriteAsync(frame, cancellationToken).ConfigureAwait(false);
        await stream.FlushAsync(cancellationToken).ConfigureAwait(false);
    }

    public static async Task SendRefusedAsync(Stream stream, CancellationToken cancellationToken)
    {
        var frame = new byte[HeaderBytes + GoAwayBytes];
        frame[TypeAt - 1] = GoAwayBytes;
        frame[TypeAt] = GoAway;
        BinaryPrimitives.WriteUInt32BigEndian(frame.AsSpan(HeaderBytes + sizeof(uint)), InadequateSecurity);
        await stream.WriteAsync(frame, cancellationToken).ConfigureAwait(false);
        await stream.FlushAsync(cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Whether the listener accepted us.</summary>
    /// <exception cref="IOException">It ended, or said something else.</exception>
    public static async Task<bool> ReadAsync(Stream stream, CancellationToken cancellationToken)
    {
        var frame = new byte[HeaderBytes];
        await stream.ReadExactlyAsync(frame, cancellationToken).ConfigureAwait(false);
        return frame switch
        {
            [0, 0, 0, Settings, 0, 0, 0, 0, 0] => true,
            [0, 0, GoAwayBytes, GoAway, ..] => false,
            _ => throw new InvalidDataException("The listener speaks something else than QbSync."),
        };
    }
}
