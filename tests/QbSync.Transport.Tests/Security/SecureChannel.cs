using System.Net.Security;
using Google.Protobuf;
using Grpc.Core;
using Grpc.Net.Client;
using QbSync.Testing.Waiting;
using QbSync.Transport.Client.Connections;
using QbSync.Transport.Security;
using QbSync.Transport.Wire;
using QbSync.Transport.Wire.Protocol;

namespace QbSync.Transport.Tests.Security;

/// <summary>Calls by hand over one TLS connection that is open already.</summary>
internal sealed class SecureChannel : IAsyncDisposable
{
    private readonly SslStream _ssl;
    private readonly GrpcChannel _channel;

    public SecureChannel(SslStream ssl)
    {
        _ssl = ssl;
        _channel = PeerChannels.Create(new TransportClientOptions { Address = "localhost:1" }, async cancellationToken =>
        {
            if (!await TlsGreeting.ReadAsync(ssl, cancellationToken))
            {
                throw new IOException("The listener refused us.");
            }

            return ssl;
        });
        Invoker = _channel.CreateCallInvoker();
    }

    public CallInvoker Invoker { get; }

    public async Task<HelloReply> HelloAsync(Guid source) => await Invoker.AsyncUnaryCall(SyncMethods.Hello, null, default, new HelloRequest
    {
        Lowest = 1,
        Highest = 1,
        Name = "by hand",
        SourceId = ByteString.CopyFrom(source.ToByteArray()),
    }).ResponseAsync.DefaultTimeout();

    public async Task<GetStatusReply> GetStatusAsync(ByteString session) => await Invoker.AsyncUnaryCall(
        SyncMethods.GetStatus, null, new CallOptions(new Metadata { { SyncLimits.SessionKey, session.ToByteArray() } }), new GetStatusRequest()).ResponseAsync.DefaultTimeout();

    public async ValueTask DisposeAsync()
    {
        _channel.Dispose();
        await _ssl.DisposeAsync();
    }
}
