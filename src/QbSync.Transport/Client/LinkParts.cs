using Microsoft.Extensions.Logging;
using QbSync.Ports;
using QbSync.Transport.Client.Connections;
using QbSync.Transport.Client.Pooling;
using QbSync.Transport.Client.Sending;

namespace QbSync.Transport.Client;

/// <summary>What the parts of one link share.</summary>
internal sealed record LinkParts(
    TransportClientOptions Options,
    IPeerSession Session,
    StreamPool Pool,
    RateLimiter Limiter,
    IPieceLinkSink Sink,
    LinkEvents Events,
    ResendLedger Ledger,
    TransportMetrics Metrics,
    ILogger Logger,
    TimeProvider Time)
{
    /// <summary>Held while nothing is to be dialed.</summary>
    public DialGate Dialing { get; } = new();

    /// <summary>How long a stream's acceptance may take.</summary>
    public static readonly TimeSpan AcceptTimeout = TimeSpan.FromSeconds(10);
}
