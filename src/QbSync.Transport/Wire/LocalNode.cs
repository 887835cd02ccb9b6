using QbSync.Transport.Security;

namespace QbSync.Transport.Wire;

/// <summary>Who this end is.</summary>
/// <param name="Id">SHA-256 of the node's certificate; empty for a node without one.</param>
internal sealed record LocalNode(ReadOnlyMemory<byte> Id)
{
    /// <summary>A node without a certificate: nobody can say that it is itself.</summary>
    public static LocalNode Nameless { get; } = new(ReadOnlyMemory<byte>.Empty);

    /// <summary>The node that shows this trust's certificate. Only pinned certificates name nodes.</summary>
    public static LocalNode Of(PeerTrust? trust) => trust is PinnedTrust pinned ? new(pinned.Id.ToBytes()) : Nameless;

    /// <summary>Whether an id that a peer told is this node's.</summary>
    public bool Is(ReadOnlySpan<byte> id) => !id.IsEmpty && id.SequenceEqual(Id.Span);
}
