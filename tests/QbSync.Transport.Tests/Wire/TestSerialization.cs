using System.Buffers;
using Grpc.Core;
using QbSync.Transport.Wire;

namespace QbSync.Transport.Tests.Wire;

/// <summary>gRPC's side of a marshaller: a buffer of the length that was promised.</summary>
internal sealed class TestSerialization(int capacity = 256) : SerializationContext
{
    private readonly ArrayBufferWriter<byte> _writer = new(capacity);
    private int? _promised;

    public ReadOnlySequence<byte> Written => new(_writer.WrittenMemory);

    public static byte[] Write(OutgoingFrame frame)
    {
        var context = new TestSerialization();
        PieceMarshaller.Write(frame, context);
        Assert.That(context._writer.WrittenCount, Is.EqualTo(context._promised), "the promised length");
        return context._writer.WrittenSpan.ToArray();
    }

    /// <summary>The bytes as a sequence of segments of at most <paramref name="segment"/> bytes, as sockets give them.</summary>
    public static ReadOnlySequence<byte> Split(byte[] bytes, int segment)
    {
        Segment? first = null;
        Segment? last = null;
        for (var at = 0; at < bytes.Length; at += segment)
        {
            var next = new Segment(bytes.AsMemory(at, Math.Min(segment, bytes.Length - at)), last);
            (first, last) = (first ?? next, next);
        }

        return first is null ? ReadOnlySequence<byte>.Empty : new ReadOnlySequence<byte>(first, 0, last!, last!.Memory.Length);
    }

    public void Clear() => _writer.ResetWrittenCount();

    public override void SetPayloadLength(int payloadLength) => _promised = payloadLength;

    public override IBufferWriter<byte> GetBufferWriter() => _writer;

    public override void Complete()
    {
    }

    private sealed class Segment : ReadOnlySequenceSegment<byte>
    {
        public Segment(ReadOnlyMemory<byte> memory, Segment? before)
        {
            Memory = memory;
            if (before is not null)
            {
                RunningIndex = before.RunningIndex + before.Memory.Length;
                before.Next = this;
            }
        }
    }
}
