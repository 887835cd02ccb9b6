using System.Security.Cryptography;
using Grpc.Core;
using Grpc.Core.Interceptors;
using Microsoft.Extensions.Logging;
using QbSync.Transport.Wire;

namespace QbSync.Transport.Server;

/// <summary>
/// Turns what a verb throws into a status. A bug of ours becomes Internal with a fixed text and an id that only our log explains.
/// </summary>
internal sealed partial class VerbInterceptor(ILogger<VerbInterceptor> logger) : Interceptor
{
    public override async Task<TResponse> UnaryServerHandler<TRequest, TResponse>(
        TRequest request, ServerCallContext context, UnaryServerMethod<TRequest, TResponse> continuation)
    {
        var deadline = CallDeadline.Of(context);
        if (context.Method != SyncMethods.Hello.FullName)
        {
            deadline?.Restart(CallDeadline.Answer);
        }

        try
        {
            return await continuation(request, context).ConfigureAwait(false);
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            throw ToStatus(e, context);
        }
    }

    public override async Task<TResponse> ClientStreamingServerHandler<TRequest, TResponse>(
        IAsyncStreamReader<TRequest> requestStream, ServerCallContext context, ClientStreamingServerMethod<TRequest, TResponse> continuation)
    {
        try
        {
            return await continuation(requestStream, context).ConfigureAwait(false);
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            throw ToStatus(e, context);
        }
    }

    public override async Task ServerStreamingServerHandler<TRequest, TResponse>(
        TRequest request, IServerStreamWriter<TResponse> responseStream, ServerCallContext context, ServerStreamingServerMethod<TRequest, TResponse> continuation)
    {
        CallDeadline.Of(context)?.Stop();
        try
        {
            await continuation(request, responseStream, context).ConfigureAwait(false);
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            throw ToStatus(e, context);
        }
    }

    public override async Task DuplexStreamingServerHandler<TRequest, TResponse>(
        IAsyncStreamReader<TRequest> requestStream,
        IServerStreamWriter<TResponse> responseStream,
        ServerCallContext context,
        DuplexStreamingServerMethod<TRequest, TResponse> continuation)
    {
        try
        {
            await continuation(requestStream, responseStream, context).ConfigureAwait(false);
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            throw ToStatus(e, context);
        }
    }

    private RpcException ToStatus(Exception error, ServerCallContext context)
    {
        switch (error)
        {
            case RpcException status:
                return status;
            case PeerException broken:
                Log.PeerBroke(logger, context.Method, broken.Message);
                return StatusMapping.ToRpcException(broken);
            case var _ when context.CancellationToken.IsCancellationRequested:
                return new RpcException(Status.DefaultCancelled);
            case OperationCanceledException:
                return new RpcException(new Status(StatusCode.Unavailable, "The server is stopping."));
            case IOException:
                // What reads the request says when the source reset its call; the token may learn of it later. Storage has exceptions of its own.
                Log.CallCut(logger, context.Method, error.Message);
                return new RpcException(Status.DefaultCancelled);
            default:
                var id = RandomNumberGenerator.GetHexString(8, lowercase: true);
                Log.VerbFailed(logger, error, context.Method, id);
                return new RpcException(new Status(StatusCode.Internal, $"The destination failed inside; its log knows more by the id {id}."));
        }
    }
}
