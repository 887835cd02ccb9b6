using Grpc.AspNetCore.Server;
using Grpc.Core;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Logging;
using QbSync.Transport.Security;
using QbSync.Transport.Wire;

namespace QbSync.Transport.Server;

/// <summary>
/// Stands before every verb: refuses what is over a peer's limits before a byte of it is read, and ends what does not get along in time. Thread-safe.
/// </summary>
internal sealed partial class CallGate(PeerLimits limits, PieceStreams streams, TimeProvider time, ILogger<CallGate> logger)
{
    /// <summary>Puts the gate before the endpoint of a verb.</summary>
    public void Guard(EndpointBuilder endpoint)
    {
        if (endpoint.RequestDelegate is not { } next || endpoint.Metadata.OfType<GrpcMethodMetadata>().FirstOrDefault() is not { } metadata)
        {
            return;
        }

        var (name, kind) = (metadata.Method.Name, GetKind(metadata.Method.Type));
        endpoint.RequestDelegate = context => RunAsync(context, name, kind, next);
    }

    private async Task RunAsync(HttpContext context, string verb, CallKind kind, RequestDelegate next)
    {
        if (context.Features.Get<IPeerFeature>() is not { } peer)
        {
            StatusMapping.Write(context.Response, StatusMapping.NotTrusted().StatusCode, "");
            return;
        }

        if (Connect(context, peer, out var limit) is not { } connection)
        {
            Refuse(context, peer, verb, kind, limit);
            context.Features.Get<IConnectionLifetimeNotificationFeature>()?.RequestClose();
            return;
        }

        if (!limits.TryBegin(connection, kind, out limit))
        {
            Refuse(context, peer, verb, kind, limit);
            return;
        }

        try
        {
            // A piece stream has times of its own.
            await (kind == CallKind.Pieces ? next(context) : RunInTimeAsync(context, verb, next)).ConfigureAwait(false);
        }
        finally
        {
            limits.End(connection, kind);
        }
    }

    private async Task RunInTimeAsync(HttpContext context, string verb, RequestDelegate next)
    {
        using var deadline = new CallDeadline(verb == SyncMethods.Hello.Name ? CallDeadline.Greeting : CallDeadline.FirstMessage, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, deadline.Token);
        context.Features.Set(deadline);
        context.RequestAborted = either.Token;
        await next(context).ConfigureAwait(false);
        if (deadline.IsOver && !context.Response.HasStarted)
        {
            StatusMapping.Write(context.Response, StatusCode.DeadlineExceeded, $"{verb} did not get along in time.");
        }
    }

    /// <summary>The connection of a call, counted with its first one; null when its peer has too many.</summary>
    private PeerConnectionUse? Connect(HttpContext context, IPeerFeature peer, out string limit)
    {
        limit = "";
        var items = context.Features.Get<IConnectionItemsFeature>()!.Items;
        lock (items)
        {
            if (items.TryGetValue(typeof(PeerConnectionUse), out var known))
            {
                return (PeerConnectionUse)known!;
            }

            var use = limits.TryConnect(peer.PeerId, out limit);
            if (use is not null)
            {
                items[typeof(PeerConnectionUse)] = use;
                context.Features.GetRequiredFeature<IConnectionLifetimeFeature>().ConnectionClosed.UnsafeRegister(
                    static state => ((PeerConnectionUse)state!).Dispose(), use);
            }

            return use;
        }
    }

    private void Refuse(HttpContext context, IPeerFeature peer, string verb, CallKind kind, string limit)
    {
        if (kind == CallKind.Pieces)
        {
            streams.Metrics.StreamOpenFailed();
        }

        Log.OverLimit(logger, verb, peer.PeerId, limit);
        StatusMapping.Write(context.Response, StatusCode.ResourceExhausted, limit);
    }

    private static CallKind GetKind(MethodType type) => type switch
    {
        MethodType.DuplexStreaming => CallKind.Pieces,
        MethodType.ServerStreaming => CallKind.Watch,
        MethodType.Unary or MethodType.ClientStreaming => CallKind.Call,
    };
}
