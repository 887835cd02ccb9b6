namespace QbSync.Transport.Security;

/// <summary>Addresses as a peer was paired at: host:port as the user wrote it, compared without case.</summary>
internal static class PeerAddress
{
    public static bool AreSame(string? left, string? right) =>
        left is not null && right is not null && left.Trim().Equals(right.Trim(), StringComparison.OrdinalIgnoreCase);
}
