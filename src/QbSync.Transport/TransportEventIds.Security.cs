namespace QbSync.Transport;

/// <summary>Who is trusted: 1300 to 1399.</summary>
internal static partial class TransportEventIds
{
    public const int PeersRead = 1300;
    public const int PeersNotUsable = 1301;
    public const int FilesReloaded = 1302;
    public const int FilesNotUsable = 1303;
    public const int PeerRefused = 1304;
    public const int TooManyStrangers = 1306;
    public const int PeerAccepted = 1307;
    public const int ConnectionRevoked = 1308;
    public const int PeerPaired = 1309;
    public const int PairingRefused = 1310;
    public const int TokenRefused = 1311;
    public const int PairingFailed = 1312;
    public const int OwnConnectionRevoked = 1313;
}
