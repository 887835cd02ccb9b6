using System.Buffers;
using Google.Protobuf;
using QbSync.Pieces;
using QbSync.Torrents;
using QbSync.Transport.Wire.Protocol;

namespace QbSync.Transport.Wire;

/// <summary>
/// Reads frames of the source by hand: fields in any order, later ones win, unknown ones are skipped, and the payload is copied once, into a pooled
/// buffer. Never throws for bad bytes: they make a <see cref="IncomingKind.Malformed"/> frame, so that only their stream ends.
/// </summary>
internal static class FrameReader
{
    private const int ChunkField = 2;
    private const int LastKnownArm = 5;

    public static IncomingFrame Read(ReadOnlySequence<byte> message, ChunkBufferPool buffers)
    {
        // Which arm counts is known only at the end: the last one does. Arms but the chunk are small and left to generated code.
        var fields = new WireReader(message);
        var lastArm = 0;
        var chunk = default(ChunkFields);
        while (fields.TryReadTag(out var field, out var wireType))
        {
            if (field is < 1 or > LastKnownArm || wireType != WireType.Bytes)
            {
                fields.Skip(field, wireType);
                continue;
            }

            var body = fields.ReadBytes();
            if (field == ChunkField)
            {
                chunk = lastArm == ChunkField ? chunk : default;
                chunk.Merge(body);
                fields.Fail(chunk.IsMalformed);
            }

            lastArm = field;
        }

        if (fields.IsMalformed)
        {
            return Malformed("The frame is no protobuf message.");
        }

        return lastArm switch
        {
            0 => new IncomingFrame { Kind = IncomingKind.None },
            ChunkField => ToFrame(chunk, buffers),
            _ => ReadOther(message),
        };
    }

    private static IncomingFrame ToFrame(in ChunkFields chunk, ChunkBufferPool buffers)
    {
        if (chunk.Data.Length is 0 or > ChunkBufferPool.MaxLength)
        {
            return Malformed($"A chunk of {chunk.Data.Length} bytes.");
        }

        if (chunk.Transfer == 0 || chunk.Offset > int.MaxValue - chunk.Data.Length || chunk.Piece > int.MaxValue)
        {
            return Malformed("A chunk with an impossible transfer, offset or piece.");
        }

        PieceRef? piece = null;
        if (!chunk.Id.IsEmpty)
        {
            Span<byte> id = stackalloc byte[32];
            if (chunk.Id.Length is not (20 or 32))
            {
                return Malformed($"A torrent id of {chunk.Id.Length} bytes.");
            }

            chunk.Id.CopyTo(id);
            piece = new PieceRef(InfoHash.FromBytes(id[..(int)chunk.Id.Length]), (int)chunk.Piece);
        }

        var buffer = buffers.Rent((int)chunk.Data.Length);
        chunk.Data.CopyTo(buffer.Bytes);
        return new IncomingFrame
        {
            Kind = IncomingKind.Chunk,
            Transfer = chunk.Transfer,
            Offset = (int)chunk.Offset,
            Piece = piece,
            Epoch = chunk.Epoch,
            Length = (int)chunk.Data.Length,
            Buffer = buffer,
        };
    }

    private static IncomingFrame ReadOther(ReadOnlySequence<byte> message)
    {
        try
        {
            return new IncomingFrame { Kind = IncomingKind.Other, Message = SourceFrame.Parser.ParseFrom(message) };
        }
        catch (InvalidProtocolBufferException)
        {
            return Malformed("The frame is no protobuf message.");
        }
    }

    private static IncomingFrame Malformed(string error) => new() { Kind = IncomingKind.Malformed, Error = error };

    /// <summary>The fields of a PieceChunk, still in gRPC's buffer. A chunk arm that comes twice is merged, as generated code does.</summary>
    private struct ChunkFields
    {
        public ulong Transfer;
        public uint Offset;
        public ReadOnlySequence<byte> Id;
        public ulong Epoch;
        public uint Piece;
        public ReadOnlySequence<byte> Data;
        public bool IsMalformed;

        public void Merge(ReadOnlySequence<byte> body)
        {
            var fields = new WireReader(body);
            while (fields.TryReadTag(out var field, out var wireType))
            {
                switch (field, wireType)
                {
                    case (1, WireType.Varint):
                        Transfer = fields.ReadVarint();
                        break;
                    case (2, WireType.Varint):
                        Offset = (uint)fields.ReadVarint();
                        break;
                    case (3, WireType.Bytes):
                        Id = fields.ReadBytes();
                        break;
                    case (4, WireType.Varint):
                        Epoch = fields.ReadVarint();
                        break;
                    case (5, WireType.Varint):
                        Piece = (uint)fields.ReadVarint();
                        break;
                    case (15, WireType.Bytes):
                        Data = fields.ReadBytes();
                        break;
                    default:
                        fields.Skip(field, wireType);
                        break;
                }
            }

            IsMalformed |= fields.IsMalformed;
        }
    }
}
