using System.Globalization;
using Grpc.Core;
using Microsoft.AspNetCore.Http;

namespace QbSync.Transport.Wire;

/// <summary>Between gRPC's status codes and our errors; the only place that knows the codes.</summary>
internal static class StatusMapping
{
    /// <summary>The peer does not know the session: Hello, then the same call once more.</summary>
    public static bool IsHelloNeeded(RpcException error) =>
        error.StatusCode == StatusCode.FailedPrecondition && error.Trailers.GetValue(SyncLimits.ReasonKey) == SyncLimits.HelloReason;

    /// <summary>What a failed call means to its caller.</summary>
    /// <param name="address">Named in the message, since it is what the user can change.</param>
    public static PeerException ToPeerException(RpcException error, string verb, string address)
    {
        if (FindRefusal(error) is { } refusal)
        {
            return new PeerException(refusal.Fault, refusal.Message, error);
        }

        var fault = GetFault(error.StatusCode);
        var detail = error.Status.Detail;
        var text = fault switch
        {
            PeerFault.Unreachable => $"{verb}: the destination at {address} did not answer",
            PeerFault.Timeout => $"{verb}: no answer from the destination at {address} in time",
            PeerFault.Limit => $"{verb}: a limit of the destination at {address} was reached",
            PeerFault.ProtocolMismatch => $"{verb}: the destination at {address} does not know this",
            PeerFault.NotTrusted => $"{verb}: the destination at {address} does not accept who we are",
            PeerFault.Malformed => $"{verb}: the destination at {address} could not read the request",
            PeerFault.IsSelf => $"{verb}: the destination at {address} is this very node",
        };
        return new PeerException(fault, detail.Length == 0 ? $"{text}." : $"{text}: {detail}", error);
    }

    /// <summary>Why an attempt failed, for a line of the log: a status's own words are for programmers.</summary>
    public static string Describe(Exception error) => error is RpcException rpc
        ? FindRefusal(rpc)?.Message ?? (rpc.Status.Detail.Length > 0 ? rpc.Status.Detail : rpc.StatusCode.ToString())
        : error.Message;

    /// <summary>Whether a failed attempt says that the peer is not there: it did not answer, or was cut off. A refusal is an answer.</summary>
    public static bool IsFailureOfPeer(Exception error) => error switch
    {
        PeerException peer => IsFailureOfPeer(peer.Fault),
        RpcException rpc => !IsHelloNeeded(rpc) && FindRefusal(rpc) is null && IsFailureOfPeer(GetFault(rpc.StatusCode)),
        OperationCanceledException or IOException => true,
        _ => false,
    };

    private static bool IsFailureOfPeer(PeerFault fault) => fault is PeerFault.Unreachable or PeerFault.Timeout;

    /// <summary>What a server answers for a promise that its caller broke.</summary>
    public static RpcException ToRpcException(PeerException error) => new(new Status(
        error.Fault switch
        {
            PeerFault.Malformed => StatusCode.InvalidArgument,
            PeerFault.Limit => StatusCode.ResourceExhausted,
            PeerFault.NotTrusted => StatusCode.PermissionDenied,
            PeerFault.IsSelf => StatusCode.FailedPrecondition,
            PeerFault.ProtocolMismatch => StatusCode.Unimplemented,
            PeerFault.Timeout => StatusCode.DeadlineExceeded,
            PeerFault.Unreachable => StatusCode.Unavailable,
        },
        error.Message));

    /// <summary>Ends a call with a status and nothing else, before a message of it is read.</summary>
    public static void Write(HttpResponse response, StatusCode code, string detail)
    {
        response.StatusCode = StatusCodes.Status200OK;
        response.ContentType = "application/grpc";
        response.Headers["grpc-status"] = ((int)code).ToString(CultureInfo.InvariantCulture);
        response.Headers["grpc-message"] = Uri.EscapeDataString(detail);
    }

    public static RpcException HelloNeeded() => new(
        new Status(StatusCode.FailedPrecondition, "The session is not known."), new Metadata { { SyncLimits.ReasonKey, SyncLimits.HelloReason } });

    /// <summary>The same for who is unknown and for who is known and may not.</summary>
    public static RpcException NotTrusted() => new(new Status(StatusCode.PermissionDenied, ""));

    /// <summary>Whether the peer answered a call that it does not accept who we are. What the connection was refused for is counted where it is made.</summary>
    public static bool IsRefusedByPeer(RpcException error) => FindRefusal(error) is null && GetFault(error.StatusCode) == PeerFault.NotTrusted;

    /// <summary>Whether an attempt failed since one side does not accept who the other is: here, or in the peer's answer.</summary>
    public static bool IsRefusedIdentity(Exception error) => error switch
    {
        PeerException peer => peer.Fault == PeerFault.NotTrusted,
        RpcException rpc => (FindRefusal(rpc)?.Fault ?? GetFault(rpc.StatusCode)) == PeerFault.NotTrusted,
        _ => false,
    };

    /// <summary>What was thrown where the connection was made, such as that the other side is not trusted: the handler and gRPC wrap it.</summary>
    private static PeerException? FindRefusal(RpcException error)
    {
        for (var inner = error.Status.DebugException; inner is not null; inner = inner.InnerException)
        {
            if (inner is PeerException { IsTransient: false } refusal)
            {
                return refusal;
            }
        }

        return null;
    }

    private static PeerFault GetFault(StatusCode code) => code switch
    {
        StatusCode.DeadlineExceeded => PeerFault.Timeout,
        StatusCode.Unauthenticated or StatusCode.PermissionDenied => PeerFault.NotTrusted,
        StatusCode.ResourceExhausted => PeerFault.Limit,
        StatusCode.Unimplemented => PeerFault.ProtocolMismatch,
        StatusCode.InvalidArgument or StatusCode.OutOfRange => PeerFault.Malformed,
        _ => PeerFault.Unreachable,
    };
}
