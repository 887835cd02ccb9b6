namespace QbSync.QBittorrent;

/// <summary>Event ids 3000 to 3999. Next free: 3023.</summary>
internal static class QBittorrentEventIds
{
    public const int Connected = 3000;
    public const int SessionEnded = 3001;
    public const int LoginRefused = 3002;
    public const int LoginBanned = 3003;
    public const int NewerThanMeasured = 3004;
    public const int ClientIsolated = 3005;
    public const int ClientUnavailable = 3006;
    public const int ClientBack = 3007;
    public const int UnknownState = 3008;
    public const int FeedStartsOver = 3009;
    public const int LedgerUnusable = 3010;
    public const int CredentialsChanged = 3011;
    public const int BasicRefused = 3012;
    public const int EndpointLacking = 3020;
    public const int StateIsShared = 3021;
    public const int GaugesNotReadable = 3022;
}
