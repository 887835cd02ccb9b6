using Microsoft.Extensions.Logging;

namespace QbSync.Transport.Security;

internal sealed partial class PairingService
{
    private static partial class Log
    {
        [LoggerMessage(TransportEventIds.PeerPaired, LogLevel.Information, "Paired with {Name}, {Peer}.")]
        public static partial void PeerPaired(ILogger logger, string name, NodeId peer);

        [LoggerMessage(TransportEventIds.PairingRefused, LogLevel.Warning, "{Peer} tried to pair with a wrong code, or somebody is between: try {Try} of {Most}.")]
        public static partial void PairingRefused(ILogger logger, NodeId peer, int @try, int most);

        [LoggerMessage(TransportEventIds.PairingFailed, LogLevel.Error, "A pairing could not be kept: {Reason}")]
        public static partial void PairingFailed(ILogger logger, string reason);
    }
}
