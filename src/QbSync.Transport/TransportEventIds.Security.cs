namespace QbSync.Transport;

/// <summary>Who is trusted: 1300 to 1399.</summary>
internal static partial class TransportEventIds
{
    public const int PeersRead = 1300;
    public const int PeersNotUsable = 1301;
}
