using Google.Protobuf;
using Grpc.Core;
using QbSync.Transport.Wire.Protocol;

namespace QbSync.Transport.Wire;

/// <summary>The verbs that are served and called, bound to their messages by hand: client and server then share the chunk codec.</summary>
internal static class SyncMethods
{
    public const string ServiceName = "qbsync.v1.Sync";

    public static readonly Method<HelloRequest, HelloReply> Hello = Create(MethodType.Unary, "Hello", HelloRequest.Parser, HelloReply.Parser);

    public static readonly Method<GetStatusRequest, GetStatusReply> GetStatus =
        Create(MethodType.Unary, "GetStatus", GetStatusRequest.Parser, GetStatusReply.Parser);

    public static readonly Method<WatchRequest, WatchUpdate> Watch =
        Create(MethodType.ServerStreaming, "Watch", WatchRequest.Parser, WatchUpdate.Parser);

    public static readonly Method<InitPart, InitReply> Init = Create(MethodType.ClientStreaming, "Init", InitPart.Parser, InitReply.Parser);

    public static readonly Method<FinalizePart, FinalizeReply> Finalize =
        Create(MethodType.ClientStreaming, "Finalize", FinalizePart.Parser, FinalizeReply.Parser);

    public static readonly Method<ProveRequest, ProveReply> Prove = Create(MethodType.Unary, "Prove", ProveRequest.Parser, ProveReply.Parser);

    public static readonly Method<StartRequest, StartReply> Start = Create(MethodType.Unary, "Start", StartRequest.Parser, StartReply.Parser);

    public static readonly Method<WithdrawRequest, WithdrawReply> Withdraw =
        Create(MethodType.Unary, "Withdraw", WithdrawRequest.Parser, WithdrawReply.Parser);

    public static readonly Method<ConfirmHandoffRequest, ConfirmHandoffReply> ConfirmHandoff =
        Create(MethodType.Unary, "ConfirmHandoff", ConfirmHandoffRequest.Parser, ConfirmHandoffReply.Parser);

    public static readonly Method<AbortRequest, AbortReply> Abort = Create(MethodType.Unary, "Abort", AbortRequest.Parser, AbortReply.Parser);

    /// <summary>The client's side of StreamPieces: frames are written by <see cref="PieceMarshaller"/>.</summary>
    public static readonly Method<OutgoingFrame, DestinationFrame> SendPieces = new(
        MethodType.DuplexStreaming,
        ServiceName,
        "StreamPieces",
        new Marshaller<OutgoingFrame>(PieceMarshaller.Write, static _ => throw new NotSupportedException("Outgoing frames are only written.")),
        CreateMarshaller(DestinationFrame.Parser));

    /// <summary>The server's side of StreamPieces: chunks land in buffers of <paramref name="buffers"/>.</summary>
    public static Method<IncomingFrame, DestinationFrame> ReceivePieces(ChunkBufferPool buffers) => new(
        MethodType.DuplexStreaming,
        ServiceName,
        "StreamPieces",
        new Marshaller<IncomingFrame>(
            static (_, _) => throw new NotSupportedException("Incoming frames are only read."),
            context => FrameReader.Read(context.PayloadAsReadOnlySequence(), buffers)),
        CreateMarshaller(DestinationFrame.Parser));

    public static Marshaller<T> CreateMarshaller<T>(MessageParser<T> parser)
        where T : class, IBufferMessage, IMessage<T> =>
        new(Serialize, context => Parse(parser, context));

    private static T Parse<T>(MessageParser<T> parser, DeserializationContext context)
        where T : class, IBufferMessage, IMessage<T>
    {
        try
        {
            return parser.ParseFrom(context.PayloadAsReadOnlySequence());
        }
        catch (InvalidProtocolBufferException e)
        {
            throw new RpcException(new Status(StatusCode.InvalidArgument, "The message is no protobuf message.", e));
        }
    }

    private static void Serialize<T>(T message, SerializationContext context)
        where T : class, IBufferMessage
    {
        context.SetPayloadLength(message.CalculateSize());
        message.WriteTo(context.GetBufferWriter());
        context.Complete();
    }

    private static Method<TRequest, TReply> Create<TRequest, TReply>(
        MethodType type, string name, MessageParser<TRequest> request, MessageParser<TReply> reply)
        where TRequest : class, IBufferMessage, IMessage<TRequest>
        where TReply : class, IBufferMessage, IMessage<TReply> =>
        new(type, ServiceName, name, CreateMarshaller(request), CreateMarshaller(reply));
}
