using Grpc.Core;
using QbSync.Ports;
using QbSync.Testing.Waiting;
using QbSync.Transport.Wire;
using QbSync.Transport.Wire.Protocol;

namespace QbSync.Transport.Tests.Server;

/// <summary>
/// An upload by hand that begins and does not go on, so that it keeps its place. Whether it has one is not told; so <see cref="BeginAsync"/> and one more upload
/// are repeated until that one is told Busy: then all that were begun have theirs.
/// </summary>
internal sealed class HeldUpload(CallInvoker invoker, Metadata session, InitRequest request) : IDisposable
{
    private AsyncClientStreamingCall<InitPart, InitReply>? _call;

    /// <summary>Says Hello and gives the session that an upload names.</summary>
    public static async Task<Metadata> GreetAsync(CallInvoker invoker)
    {
        var hello = new HelloRequest { Lowest = 1, Highest = 1, SourceId = WireMapping.ToWire(new byte[16]) };
        var reply = await invoker.AsyncUnaryCall(SyncMethods.Hello, null, default, hello).ResponseAsync.DefaultTimeout();
        return new Metadata { { SyncLimits.SessionKey, reply.Session.ToByteArray() } };
    }

    /// <summary>Begins, or begins anew when another had the place just when it came.</summary>
    public async Task BeginAsync()
    {
        if (_call is { ResponseAsync.IsCompleted: false })
        {
            return;
        }

        _call?.Dispose();
        _call = invoker.AsyncClientStreamingCall(SyncMethods.Init, null, new CallOptions(session));
        await WriteAsync(new InitPart { Header = WireMapping.ToWire(request with { Torrent = new byte[2] }) });
        await WriteAsync(new InitPart { Torrent = WireMapping.ToWire(new byte[1]) });
    }

    /// <summary>Ends with the answer, whenever that comes.</summary>
    public Task<InitReply> Answer => _call!.ResponseAsync;

    /// <summary>Sends the rest and gives the answer.</summary>
    public async Task<InitReply> EndAsync()
    {
        await WriteAsync(new InitPart { Torrent = WireMapping.ToWire(new byte[1]) });
        await _call!.RequestStream.CompleteAsync().DefaultTimeout();
        return await _call.ResponseAsync.DefaultTimeout();
    }

    public void Dispose() => _call?.Dispose();

    private async Task WriteAsync(InitPart part)
    {
        try
        {
            await _call!.RequestStream.WriteAsync(part).DefaultTimeout();
        }
        catch (Exception e) when (e is RpcException or InvalidOperationException)
        {
            // It was answered already: the answer says why.
        }
    }
}
