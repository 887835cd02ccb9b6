using System.Net;
using Google.Protobuf;
using Grpc.AspNetCore.Server.Model;
using Grpc.Core;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using QbSync.Transport.Tests.Client;
using QbSync.Transport.Wire;
using QbSync.Transport.Wire.Protocol;

namespace QbSync.Transport.Tests.EndToEnd;

/// <summary>A destination of generated code alone, as somebody would write it from the .proto: reads each chunk by its parser and keeps what was right.</summary>
internal sealed class GeneratedDestination(int pieceLength)
{
    private const ulong Allowance = 16 << 20;

    private static readonly Method<SourceFrame, DestinationFrame> StreamPieces = new(
        MethodType.DuplexStreaming,
        SyncMethods.ServiceName,
        "StreamPieces",
        SyncMethods.CreateMarshaller(SourceFrame.Parser),
        SyncMethods.CreateMarshaller(DestinationFrame.Parser));

    private readonly Lock _gate = new();
    private readonly List<int> _completed = [];
    private int _streams;

    /// <summary>Pieces that came whole and right, in the order of their end.</summary>
    public IReadOnlyList<int> Completed
    {
        get
        {
            lock (_gate)
            {
                return [.. _completed];
            }
        }
    }

    /// <summary>Runs before each answer, with the number of its stream and whether a chunk came: may make it another one.</summary>
    public Action<int, bool, AckBatch> OnAnswering { get; init; } = static (_, _, _) => { };

    /// <summary>Streams that were opened, ever.</summary>
    public int Streams => Volatile.Read(ref _streams);

    /// <summary>Serves it on the loopback; gives the port.</summary>
    public async Task<(WebApplication App, int Port)> StartAsync(ILoggerFactory loggers)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Services.AddSingleton(loggers);
        builder.Services.AddGrpc(static grpc => grpc.MaxReceiveMessageSize = SyncLimits.MaxMessageReceived);
        builder.Services.AddSingleton(this);
        builder.Services.AddSingleton<IServiceMethodProvider<GeneratedDestination>, Methods>();
        builder.WebHost.ConfigureKestrel(static kestrel => kestrel.Listen(IPAddress.Loopback, 0, static listen => listen.Protocols = HttpProtocols.Http2));
        var app = builder.Build();
        app.MapGrpcService<GeneratedDestination>();
        await app.StartAsync();
        return (app, new Uri(app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First()).Port);
    }

    private static Task<HelloReply> HelloAsync() => Task.FromResult(new HelloReply
    {
        Protocol = 1,
        Session = ByteString.CopyFrom(new byte[SyncLimits.SessionBytes]),
        Incarnation = 1,
        Limits = new Limits { Message = SyncLimits.MaxMessageReceived, Chunk = 1 << 20, StreamsPerConnection = 16, Connections = 16, StreamWindow = Allowance, AnswerMs = 45_000 },
    });

    private async Task ServeAsync(IAsyncStreamReader<SourceFrame> frames, IServerStreamWriter<DestinationFrame> answers, CancellationToken cancellationToken)
    {
        try
        {
            await StreamPiecesAsync(frames, answers, cancellationToken);
        }
        catch (Exception e) when (e is InvalidOperationException or IOException or OperationCanceledException)
        {
            // The source ended the call.
        }
    }

    private async Task StreamPiecesAsync(IAsyncStreamReader<SourceFrame> frames, IServerStreamWriter<DestinationFrame> answers, CancellationToken cancellationToken)
    {
        Dictionary<ulong, (int Piece, int Next)> open = [];
        var received = 0UL;
        var number = Interlocked.Increment(ref _streams);
        while (await frames.MoveNext(cancellationToken))
        {
            var frame = frames.Current;
            if (frame.FrameCase == SourceFrame.FrameOneofCase.Open)
            {
                await answers.WriteAsync(new DestinationFrame { Accepted = new StreamAccepted { Credit = Allowance, MaxInFlight = Allowance } }, cancellationToken);
                continue;
            }

            var batch = new AckBatch();
            if (frame.Chunk is { } chunk)
            {
                received += (ulong)Math.Max(chunk.Data.Length, 4096);
                var (piece, next) = chunk.Id.IsEmpty ? open[chunk.Transfer] : ((int)chunk.Piece, 0);
                open[chunk.Transfer] = (piece, next + chunk.Data.Length);
                if (next != chunk.Offset || !IsRight(piece, next, chunk.Data.Span))
                {
                    batch.Nack.Add(new Nack { Transfer = chunk.Transfer, Status = AckStatus.HashMismatch });
                }
                else if (next + chunk.Data.Length == pieceLength)
                {
                    batch.Accepted.Add(chunk.Transfer);
                    Complete(piece);
                }
            }

            (batch.Received, batch.Credit) = (received, received + Allowance);
            OnAnswering(number, frame.Chunk is not null, batch);
            await answers.WriteAsync(new DestinationFrame { Acks = batch }, cancellationToken);
        }
    }

    private void Complete(int piece)
    {
        lock (_gate)
        {
            _completed.Add(piece);
        }
    }

    private static bool IsRight(int piece, int offset, ReadOnlySpan<byte> data)
    {
        for (var i = 0; i < data.Length; i++)
        {
            if (data[i] != TestSource.ByteAt(piece, offset + i))
            {
                return false;
            }
        }

        return true;
    }

    private sealed class Methods : IServiceMethodProvider<GeneratedDestination>
    {
        public void OnServiceMethodDiscovery(ServiceMethodProviderContext<GeneratedDestination> context)
        {
            context.AddUnaryMethod(SyncMethods.Hello, [], static (_, _, _) => HelloAsync());
            context.AddDuplexStreamingMethod(
                StreamPieces, [], static (service, frames, answers, call) => service.ServeAsync(frames, answers, call.CancellationToken));
        }
    }
}
