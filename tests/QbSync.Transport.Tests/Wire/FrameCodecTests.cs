using CsCheck;
using Google.Protobuf;
using QbSync.Pieces;
using QbSync.Testing.Specifications;
using QbSync.Torrents;
using QbSync.Transport.Tests.Client;
using QbSync.Transport.Wire;
using QbSync.Transport.Wire.Protocol;

namespace QbSync.Transport.Tests.Wire;

/// <summary>The hand-written codec against generated code, which is its oracle.</summary>
internal sealed class FrameCodecTests
{
    private static readonly Gen<(ulong Transfer, int Offset, int Length, bool IsFirst, int Piece, ulong Epoch)> Chunks = Gen.Select(
        Gen.ULong, Gen.Int[0, 1 << 29], Gen.Int[1, 3000], Gen.Bool, Gen.Int[0, int.MaxValue - 1], Gen.ULong);

    private static readonly Gen<SourceFrame> Frames = Gen.OneOf(
        Gen.Select(Gen.ULong[1, ulong.MaxValue], Gen.UInt[0, 1U << 29], Gen.Byte.Array[0, 64], Gen.ULong, Gen.UInt[0, int.MaxValue], Gen.Bool)
            .Select((transfer, offset, data, epoch, piece, isFirst) => new SourceFrame
            {
                Chunk = new PieceChunk
                {
                    Transfer = transfer,
                    Offset = offset,
                    Data = ByteString.CopyFrom(data),
                    Id = isFirst ? WireMapping.ToWire(TestSource.Torrent) : ByteString.Empty,
                    Epoch = isFirst ? epoch : 0,
                    Piece = isFirst ? piece : 0,
                },
            }),
        Gen.ULong.Select(transfer => new SourceFrame { Cancel = new CancelPiece { Transfer = transfer } }),
        Gen.ULong.Select(limit => new SourceFrame { ReturnCredit = new ReturnCredit { Limit = limit } }),
        Gen.UInt.Select(slot => new SourceFrame { Open = new StreamOpen { Slot = slot } }),
        Gen.Const(new SourceFrame { Ping = new Ping() }),
        Gen.Const(new SourceFrame()));

    [Test]
    [TransportCase(1)]
    public void Chunk_WrittenByHand_IsWhatGeneratedCodeWrites() => Chunks.Sample(
        chunk =>
        {
            using var source = new TestSource(chunk.Piece, chunk.Length) { Epoch = chunk.Epoch };
            var written = TestSerialization.Write(
                new OutgoingFrame().SetChunk(chunk.Transfer, source, chunk.Offset, chunk.Length, chunk.IsFirst));
            var data = new byte[chunk.Length];
            source.TryFill(chunk.Offset, data);
            var expected = new SourceFrame { Chunk = new PieceChunk { Transfer = chunk.Transfer, Offset = (uint)chunk.Offset } };
            if (chunk.IsFirst)
            {
                expected.Chunk.Id = WireMapping.ToWire(TestSource.Torrent);
                expected.Chunk.Epoch = chunk.Epoch;
                expected.Chunk.Piece = (uint)chunk.Piece;
            }

            expected.Chunk.Data = ByteString.CopyFrom(data);
            Assert.That(written, Is.EqualTo(expected.ToByteArray()));
        },
        iter: 10_000);

    [Test]
    [TransportCase(1)]
    public void Frame_WrittenByGeneratedCode_IsReadByHand() => Gen.Select(Frames, Gen.Int[1, 40]).Sample(
        (frame, segment) =>
        {
            var buffers = new ChunkBufferPool();
            using (var read = FrameReader.Read(TestSerialization.Split(frame.ToByteArray(), segment), buffers))
            {
                AssertSame(read, frame);
            }

            Assert.That(buffers.Rented, Is.Zero);
        },
        iter: 10_000);

    [Test]
    public void Frame_ChunkOfOneMebibyte_Passes()
    {
        using var source = new TestSource(7, ChunkBufferPool.MaxLength) { Epoch = ulong.MaxValue };
        var written = TestSerialization.Write(new OutgoingFrame().SetChunk(1, source, 0, ChunkBufferPool.MaxLength, true));
        using var read = FrameReader.Read(TestSerialization.Split(written, 16 * 1024), new ChunkBufferPool());
        Assert.That(read.Piece, Is.EqualTo(new PieceRef(TestSource.Torrent, 7)));
        Assert.That(read.Data.Length, Is.EqualTo(ChunkBufferPool.MaxLength));
        Assert.That(read.Data[777_777], Is.EqualTo(TestSource.ByteAt(7, 777_777)));
    }

    [TestCase(0)]
    [TestCase(1)]
    public void Frame_ChunkTooLargeOrEmpty_IsMalformed(int isLarge)
    {
        var data = ByteString.CopyFrom(new byte[isLarge * (ChunkBufferPool.MaxLength + 1)]);
        var frame = new SourceFrame { Chunk = new PieceChunk { Transfer = 1, Data = data } };
        using var read = FrameReader.Read(TestSerialization.Split(frame.ToByteArray(), 4096), new ChunkBufferPool());
        Assert.That(read.Kind, Is.EqualTo(IncomingKind.Malformed));
    }

    [Test]
    [TransportCase(2)]
    public void Frame_CutAtEachByte_IsReadAsGeneratedCodeReadsIt()
    {
        var whole = FirstChunk().ToByteArray();
        for (var length = 0; length <= whole.Length; length++)
        {
            AssertAgrees(whole[..length]);
        }
    }

    [Test]
    [TransportCase(2)]
    public void Frame_AnyByteOfItChanged_IsReadAsGeneratedCodeReadsIt()
    {
        var whole = FirstChunk().ToByteArray();
        for (var at = 0; at < whole.Length; at++)
        {
            for (var value = 0; value < 256; value++)
            {
                var changed = (byte[])whole.Clone();
                changed[at] = (byte)value;
                AssertAgrees(changed);
            }
        }
    }

    [Test]
    [TransportCase(2)]
    public void Frame_RandomBytes_IsReadAsGeneratedCodeReadsIt() => Gen.Byte.Array[0, 40].Sample(AssertAgrees, iter: 20_000);

    [Test]
    [TransportCase(2)]
    public void Frame_FieldsInAnyOrderRepeatedAndUnknown_LastOnesCount()
    {
        var chunk = Concat(
            [(15 << 3) | 2, 2, 1, 2],
            [(9 << 3) | 2, 3, 7, 7, 7],
            [5 << 3, 9],
            [(15 << 3) | 2, 3, 4, 5, 6],
            [1 << 3, 4],
            [(10 << 3) | 1, 0, 0, 0, 0, 0, 0, 0, 0],
            [1 << 3, 6]);
        var message = Concat([(13 << 3) | 5, 1, 2, 3, 4], [(2 << 3) | 2, (byte)chunk.Length], chunk);
        AssertAgrees(message);
        using var read = FrameReader.Read(TestSerialization.Split(message, 3), new ChunkBufferPool());
        Assert.That(read.Transfer, Is.EqualTo(6UL));
        Assert.That(read.Data.ToArray(), Is.EqualTo(new byte[] { 4, 5, 6 }));
    }

    [Test]
    [TransportCase(2)]
    public void Frame_ChunkArmTwice_IsMerged()
    {
        var first = new SourceFrame { Chunk = new PieceChunk { Transfer = 3, Epoch = 5, Data = ByteString.CopyFrom(1, 2) } };
        var second = new SourceFrame { Chunk = new PieceChunk { Transfer = 4, Data = ByteString.CopyFrom(9) } };
        AssertAgrees(Concat(first.ToByteArray(), second.ToByteArray()));
    }

    [Test]
    [TransportCase(2)]
    public void Frame_AnotherArmAfterOrBetweenChunks_LastArmCounts()
    {
        var chunk = new SourceFrame { Chunk = new PieceChunk { Transfer = 3, Epoch = 5, Data = ByteString.CopyFrom(1, 2) } }.ToByteArray();
        var other = new SourceFrame { Cancel = new CancelPiece { Transfer = 8 } }.ToByteArray();
        AssertAgrees(Concat(chunk, other));
        AssertAgrees(Concat(chunk, other, new SourceFrame { Chunk = new PieceChunk { Transfer = 4, Data = ByteString.CopyFrom(9) } }.ToByteArray()));
    }

    [Test]
    [TransportCase(47)]
    public void Chunks_WrittenAndRead_AllocateLittle()
    {
        const int Length = 256 << 10;
        const int Chunks = 2000;
        using var source = new TestSource(7, Length);
        var frame = new OutgoingFrame();
        var buffers = new ChunkBufferPool();
        var wire = new TestSerialization(Length + 100);
        Pass(1);
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 2UL; i < Chunks; i++)
        {
            Pass(i);
        }

        var allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        Assert.That(allocated / (Chunks * (double)Length / (1 << 20)), Is.LessThan(2048), "bytes a MiB");

        void Pass(ulong transfer)
        {
            wire.Clear();
            PieceMarshaller.Write(frame.SetChunk(transfer, source, 0, Length, true), wire);
            FrameReader.Read(wire.Written, buffers).Dispose();
        }
    }

    [TestCase(1)]
    [TestCase(2)]
    [TestCase(126)]
    [TestCase(128)]
    [TestCase(5000)]
    public void Chunk_SourceChanged_BecomesCancelOfTheSameLength(int length)
    {
        using var source = new TestSource(3, length) { ChangedFrom = 0 };
        using var good = new TestSource(3, length);
        var frame = new OutgoingFrame().SetChunk(77, source, 0, length, true);
        var written = TestSerialization.Write(frame);
        Assert.That(frame.WasCancelled, Is.True);
        Assert.That(written, Has.Length.EqualTo(TestSerialization.Write(new OutgoingFrame().SetChunk(77, good, 0, length, true)).Length));
        Assert.That(SourceFrame.Parser.ParseFrom(written).Cancel.Transfer, Is.EqualTo(77UL));
        using var read = FrameReader.Read(TestSerialization.Split(written, 64), new ChunkBufferPool());
        Assert.That(read.Message!.Cancel.Transfer, Is.EqualTo(77UL));
    }

    private static SourceFrame FirstChunk() => new()
    {
        Chunk = new PieceChunk
        {
            Transfer = 300,
            Offset = 70_000,
            Id = WireMapping.ToWire(TestSource.Torrent),
            Epoch = 5,
            Piece = 1234,
            Data = ByteString.CopyFrom(1, 2, 3, 4, 5, 6, 7, 8),
        },
    };

    private static byte[] Concat(params ReadOnlySpan<byte[]> parts)
    {
        var all = new List<byte>();
        foreach (var part in parts)
        {
            all.AddRange(part);
        }

        return [.. all];
    }

    /// <summary>What generated code refuses is malformed; what it reads is the same, or malformed by a rule of ours.</summary>
    private static void AssertAgrees(byte[] message)
    {
        var buffers = new ChunkBufferPool();
        using (var read = FrameReader.Read(TestSerialization.Split(message, 5), buffers))
        {
            SourceFrame oracle;
            try
            {
                oracle = SourceFrame.Parser.ParseFrom(message);
            }
            catch (InvalidProtocolBufferException)
            {
                Assert.That(read.Kind, Is.EqualTo(IncomingKind.Malformed), Convert.ToHexString(message));
                return;
            }

            AssertSame(read, oracle);
        }

        Assert.That(buffers.Rented, Is.Zero);
    }

    private static void AssertSame(IncomingFrame read, SourceFrame expected)
    {
        if (expected.FrameCase != SourceFrame.FrameOneofCase.Chunk)
        {
            var isNone = expected.FrameCase == SourceFrame.FrameOneofCase.None;
            Assert.That(read.Kind, Is.EqualTo(isNone ? IncomingKind.None : IncomingKind.Other), expected.ToString());
            Assert.That(read.Message?.FrameCase ?? SourceFrame.FrameOneofCase.None, Is.EqualTo(expected.FrameCase));
            return;
        }

        var chunk = expected.Chunk;
        if (chunk.Transfer == 0 || chunk.Data.IsEmpty || chunk.Offset > int.MaxValue - chunk.Data.Length || chunk.Piece > int.MaxValue
            || chunk.Id.Length is not (0 or 20 or 32))
        {
            Assert.That(read.Kind, Is.EqualTo(IncomingKind.Malformed), expected.ToString());
            return;
        }

        Assert.That(read.Kind, Is.EqualTo(IncomingKind.Chunk), expected.ToString());
        Assert.That(read.Transfer, Is.EqualTo(chunk.Transfer));
        Assert.That(read.Offset, Is.EqualTo((int)chunk.Offset));
        Assert.That(read.Epoch, Is.EqualTo(chunk.Epoch));
        Assert.That(
            read.Piece,
            Is.EqualTo(chunk.Id.IsEmpty ? (PieceRef?)null : new PieceRef(InfoHash.FromBytes(chunk.Id.Span), (int)chunk.Piece)));
        Assert.That(read.Data.SequenceEqual(chunk.Data.Span));
    }
}
