using QbSync.Ports;

namespace QbSync.Engine.Shared;

/// <summary>When a client that could not be asked is asked again. Pure.</summary>
internal static class ClientPatience
{
    private static readonly TimeSpan Least = TimeSpan.FromMilliseconds(20), Most = TimeSpan.FromSeconds(5);

    /// <summary>
    /// The pause after a look that failed: to the end of the client's own break, since the first call after it probes and a sooner one is refused
    /// unsent; null where its gate says nothing of that.
    /// </summary>
    public static TimeSpan? AfterFailure(ClientAvailability availability, DateTimeOffset now)
    {
        if (availability is not { Gate: ClientGate.Open, Until: { } until })
        {
            return null;
        }

        var left = until - now + Least;
        return left < Least ? Least : left > Most ? Most : left;
    }
}
