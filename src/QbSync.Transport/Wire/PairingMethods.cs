using Grpc.Core;
using QbSync.Transport.Wire.Protocol;

namespace QbSync.Transport.Wire;

/// <summary>The one method that strangers may try.</summary>
internal static class PairingMethods
{
    /// <summary>Of a message: a nonce or a proof with a name.</summary>
    public const int MaxMessage = 4 << 10;

    public static readonly Method<PairingFrame, PairingFrame> Exchange = new(
        MethodType.DuplexStreaming,
        "qbsync.v1.Pairing",
        "Exchange",
        SyncMethods.CreateMarshaller(PairingFrame.Parser),
        SyncMethods.CreateMarshaller(PairingFrame.Parser));
}
