using Google.Protobuf;
using Grpc.Core;
using QbSync.Testing.Waiting;
using QbSync.Torrents;
using QbSync.Transport.Tests.Client;
using QbSync.Transport.Wire;
using QbSync.Transport.Wire.Protocol;

namespace QbSync.Transport.Tests.Server;

/// <summary>A piece stream that sends whatever a test wants, byte for byte.</summary>
internal sealed class RawStream : IDisposable
{
    private static readonly Marshaller<byte[]> Raw = Marshallers.Create(static bytes => bytes, static bytes => bytes);

    private static readonly Method<byte[], DestinationFrame> StreamPieces = new(
        MethodType.DuplexStreaming, SyncMethods.ServiceName, "StreamPieces", Raw, SyncMethods.CreateMarshaller(DestinationFrame.Parser));

    private readonly AsyncDuplexStreamingCall<byte[], DestinationFrame> _call;

    public RawStream(CallInvoker invoker, Metadata session) =>
        _call = invoker.AsyncDuplexStreamingCall(StreamPieces, null, new CallOptions(session));

    public ulong Credit { get; private set; }

    /// <summary>The server took the stream, with or without credit.</summary>
    public bool Accepted { get; private set; }

    public ulong FirstCredit { get; private set; }

    public ulong Received { get; private set; }

    public ulong Returns { get; private set; }

    /// <summary>The longest time that a nack told to wait.</summary>
    public ulong RetryAfterMs { get; private set; }

    public List<(ulong Transfer, AckStatus Status)> Answers { get; } = [];

    /// <summary>Sends bytes. What a stream that has ended does not take is told by <see cref="ReadToEndAsync"/>.</summary>
    public async Task SendAsync(params byte[] frame)
    {
        try
        {
            await _call.RequestStream.WriteAsync(frame).DefaultTimeout();
        }
        catch (Exception e) when (e is RpcException or InvalidOperationException)
        {
            // The status says why.
        }
    }

    public Task SendAsync(SourceFrame frame) => SendAsync(frame.ToByteArray());

    public Task OpenAsync() => SendAsync(new SourceFrame { Open = new StreamOpen { Slot = 0 } });

    public Task BeginAsync(ulong transfer, int piece, int length, InfoHash? torrent = null, int offset = 0) => SendAsync(new SourceFrame
    {
        Chunk = new PieceChunk
        {
            Transfer = transfer,
            Offset = (uint)offset,
            Id = WireMapping.ToWire(torrent ?? TestSource.Torrent),
            Epoch = 1,
            Piece = (uint)piece,
            Data = GetData(piece, offset, length),
        },
    });

    public Task ContinueAsync(ulong transfer, int piece, int offset, int length) => SendAsync(new SourceFrame
    {
        Chunk = new PieceChunk { Transfer = transfer, Offset = (uint)offset, Data = GetData(piece, offset, length) },
    });

    public Task CompleteAsync() => _call.RequestStream.CompleteAsync().DefaultTimeout();

    /// <summary>Reads until <paramref name="condition"/> holds.</summary>
    public async Task ReadUntilAsync(Func<bool> condition)
    {
        while (!condition())
        {
            Assert.That(await ReadAsync(), Is.True, "the stream ended");
        }
    }

    /// <summary>Reads to the end; the status it ended with.</summary>
    public async Task<StatusCode> ReadToEndAsync()
    {
        try
        {
            while (await ReadAsync())
            {
                // Everything is kept by ReadAsync.
            }
        }
        catch (RpcException)
        {
            // The status says it.
        }

        return _call.GetStatus().StatusCode;
    }

    public void Dispose() => _call.Dispose();

    private static ByteString GetData(int piece, int offset, int length)
    {
        var data = new byte[length];
        for (var i = 0; i < length; i++)
        {
            data[i] = TestSource.ByteAt(piece, offset + i);
        }

        return UnsafeByteOperations.UnsafeWrap(data);
    }

    private async Task<bool> ReadAsync()
    {
        if (!await _call.ResponseStream.MoveNext(CancellationToken.None).DefaultTimeout())
        {
            return false;
        }

        var frame = _call.ResponseStream.Current;
        if (frame.Accepted is { } accepted)
        {
            (Accepted, FirstCredit, Credit) = (true, accepted.Credit, accepted.Credit);
            return true;
        }

        Credit = frame.Acks.Credit;
        Received = frame.Acks.Received;
        Returns = frame.Acks.Returns;
        Answers.AddRange(frame.Acks.Accepted.Select(transfer => (transfer, AckStatus.Accepted)));
        Answers.AddRange(frame.Acks.Held.Select(transfer => (transfer, AckStatus.Held)));
        RetryAfterMs = frame.Acks.Nack.Select(static nack => nack.RetryAfterMs).Append(RetryAfterMs).Max();
        Answers.AddRange(frame.Acks.Nack.Select(nack => (nack.Transfer, nack.Status)));
        return true;
    }
}
