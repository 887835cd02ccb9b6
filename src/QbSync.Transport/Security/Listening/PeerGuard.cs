using Grpc.Core;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using QbSync.Transport.Wire;

namespace QbSync.Transport.Security;

/// <summary>
/// Stands before every method: nothing of a call is read before it is known who makes it. Who is unknown and who is forbidden get the same answer. Thread-safe.
/// </summary>
internal sealed partial class PeerGuard(PeerTrust? trust, Action refused, ILogger<PeerGuard> logger)
{
    /// <summary>Lets peers through to an endpoint.</summary>
    public void Protect(EndpointBuilder endpoint) => Protect(endpoint, IsPeer);

    /// <summary>Lets through what may try to pair: any connection of which both certificates were seen.</summary>
    public static void ProtectPairing(EndpointBuilder endpoint) => Protect(endpoint, static context => context.Features.Get<IPairingFeature>() is not null);

    private static void Protect(EndpointBuilder endpoint, Func<HttpContext, bool> mayPass)
    {
        var next = endpoint.RequestDelegate ?? throw new InvalidOperationException($"{endpoint.DisplayName} serves nothing.");
        endpoint.RequestDelegate = context => mayPass(context) ? next(context) : RefuseAsync(context);
    }

    private bool IsPeer(HttpContext context)
    {
        if (context.Features.Get<IPeerFeature>() is not null)
        {
            return true;
        }

        if (trust is not TokenTrust token || context.Features.Get<Stranger>() is not { } stranger)
        {
            return false;
        }

        var given = context.Request.Headers.Authorization;
        if (given.Count != 1 || !token.IsRight(given[0]))
        {
            stranger.Failed();
            refused();
            Log.TokenRefused(logger, context.Connection.RemoteIpAddress);
            return false;
        }

        // Of the call, not of the connection: the next call on it has to show the token too.
        context.Features.Set<IPeerFeature>(TokenTrust.Holder);
        stranger.BecameKnown();
        return true;
    }

    private static Task RefuseAsync(HttpContext context)
    {
        StatusMapping.Write(context.Response, StatusCode.PermissionDenied, "");
        return Task.CompletedTask;
    }
}
