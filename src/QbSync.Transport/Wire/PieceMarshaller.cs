using Google.Protobuf;
using Grpc.Core;

namespace QbSync.Transport.Wire;

/// <summary>
/// Writes frames of the source. A chunk goes into gRPC's own buffer in one pass: header, then the payload straight from its source. The bytes are those
/// that generated code would write.
/// </summary>
internal static class PieceMarshaller
{
    private const byte ChunkTag = (2 << 3) | 2;
    private const byte CancelTag = (3 << 3) | 2;
    private const byte TransferTag = 1 << 3;
    private const byte OffsetTag = 2 << 3;
    private const byte IdTag = (3 << 3) | 2;
    private const byte EpochTag = 4 << 3;
    private const byte PieceTag = 5 << 3;
    private const byte DataTag = (15 << 3) | 2;
    private const byte PaddingTag = (14 << 3) | 2;

    public static void Write(OutgoingFrame frame, SerializationContext context)
    {
        if (frame.Other is { } other)
        {
            context.SetPayloadLength(other.CalculateSize());
            other.WriteTo(context.GetBufferWriter());
            context.Complete();
            return;
        }

        var body = GetBodyLength(frame);
        var length = 1 + VarintLength((uint)body) + body;
        context.SetPayloadLength(length);
        var writer = context.GetBufferWriter();
        var span = writer.GetSpan(length)[..length];
        var payload = length - frame.Length;
        if (frame.Source!.TryFill(frame.Offset, span[payload..]))
        {
            WriteHeader(frame, body, span);
        }
        else
        {
            // The length is promised by now, and the stream is fine: the transfer is cancelled in a message of the same length.
            frame.WasCancelled = true;
            WriteCancel(frame.Transfer, body, span);
        }

        writer.Advance(length);
        context.Complete();
    }

    /// <summary>Bytes of the inner message, without its own tag and length.</summary>
    private static int GetBodyLength(OutgoingFrame frame)
    {
        var length = 1 + VarintLength((uint)frame.Length) + frame.Length;
        length += Number(frame.Transfer) + Number((uint)frame.Offset);
        if (frame.IsFirst)
        {
            var source = frame.Source!;
            length += 2 + source.Piece.Torrent.Length + Number(source.Epoch) + Number((uint)source.Piece.Index);
        }

        return length;

        static int Number(ulong value) => value == 0 ? 0 : 1 + VarintLength(value);
    }

    private static void WriteHeader(OutgoingFrame frame, int body, Span<byte> span)
    {
        var at = 0;
        Put(span, ref at, ChunkTag, (uint)body);
        PutUnlessZero(span, ref at, TransferTag, frame.Transfer);
        PutUnlessZero(span, ref at, OffsetTag, (uint)frame.Offset);
        if (frame.IsFirst)
        {
            var source = frame.Source!;
            var id = source.Piece.Torrent;
            Put(span, ref at, IdTag, (uint)id.Length);
            id.CopyTo(span[at..]);
            at += id.Length;
            PutUnlessZero(span, ref at, EpochTag, source.Epoch);
            PutUnlessZero(span, ref at, PieceTag, (uint)source.Piece.Index);
        }

        Put(span, ref at, DataTag, (uint)frame.Length);
    }

    /// <summary>A CancelPiece of exactly <paramref name="body"/> bytes: what is left over is an unknown field of zeros.</summary>
    private static void WriteCancel(ulong transfer, int body, Span<byte> span)
    {
        span.Clear();
        var at = 0;
        Put(span, ref at, CancelTag, (uint)body);
        PutUnlessZero(span, ref at, TransferTag, transfer);
        var rest = span.Length - at;
        if (rest > 0)
        {
            PutPadding(span[at..]);
        }
    }

    private static void PutPadding(Span<byte> rest)
    {
        // A length in more bytes than it needs is legal protobuf, so that any number of bytes can be filled.
        rest[0] = PaddingTag;
        var digits = Math.Min(rest.Length - 1, VarintLength((uint)rest.Length));
        var value = (uint)(rest.Length - 1 - digits);
        for (var i = 0; i < digits; i++)
        {
            rest[1 + i] = (byte)((value & 0x7f) | (i < digits - 1 ? 0x80u : 0));
            value >>= 7;
        }
    }

    private static void PutUnlessZero(Span<byte> span, ref int at, byte tag, ulong value)
    {
        if (value != 0)
        {
            Put(span, ref at, tag, value);
        }
    }

    private static void Put(Span<byte> span, ref int at, byte tag, ulong value)
    {
        span[at++] = tag;
        while (value >= 0x80)
        {
            span[at++] = (byte)(value | 0x80);
            value >>= 7;
        }

        span[at++] = (byte)value;
    }

    private static int VarintLength(ulong value) => CodedOutputStream.ComputeUInt64Size(value);
}
