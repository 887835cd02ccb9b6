namespace QbSync.QBittorrent.Pipeline;

/// <summary>Sorts faults: for the metric, for the breaker, for a repeat.</summary>
internal static class FaultKinds
{
    public static readonly string[] All =
        ["unauthorized", "banned", "not_found", "conflict", "transient", "permanent", "breaker_open"];

    /// <summary>The label; null for what is no error of a call.</summary>
    public static string? Of(ClientFault fault) => fault switch
    {
        ClientFault.Unreachable or ClientFault.Timeout or ClientFault.Busy or ClientFault.ServerError or ClientFault.BrokenAnswer
            or ClientFault.OutcomeUnknown => "transient",
        ClientFault.Forbidden or ClientFault.Unauthorized or ClientFault.HostRefused => "unauthorized",
        ClientFault.Banned => "banned",
        ClientFault.Untrusted or ClientFault.Redirected or ClientFault.NotAWebApi or ClientFault.Rejected
            or ClientFault.Unsupported => "permanent",
        ClientFault.NotFound => "not_found",
        ClientFault.Conflict => "conflict",
        ClientFault.BreakerOpen => "breaker_open",
        ClientFault.DryRun => null,
    };

    /// <summary>Whether it counts towards opening the breaker.</summary>
    public static bool Trips(ClientFault fault) => Of(fault) == "transient";

    /// <summary>Whether it closes the breaker to all calls until somebody, or time, changes something.</summary>
    public static bool Isolates(ClientFault fault) => fault is ClientFault.Forbidden or ClientFault.Unauthorized or ClientFault.HostRefused
        or ClientFault.Banned or ClientFault.Untrusted or ClientFault.Redirected or ClientFault.NotAWebApi;

    /// <summary>Whether the call never left us, so that it says nothing about the client.</summary>
    public static bool IsUnsent(ClientFault fault) => fault is ClientFault.Unsupported or ClientFault.DryRun or ClientFault.BreakerOpen;

    /// <summary>Whether the call may be tried again at once.</summary>
    public static bool MayRetry(ClientFault fault, CallRepeat repeat, bool mayHaveArrived) => fault switch
    {
        ClientFault.Busy => true,
        ClientFault.Unreachable or ClientFault.Timeout or ClientFault.ServerError or ClientFault.BrokenAnswer =>
            repeat == CallRepeat.Yes || !mayHaveArrived,
        _ => false,
    };
}
