namespace QbSync.Ports;

/// <summary>What a source may do at a destination. Immutable.</summary>
public sealed record PeerGrants
{
    /// <summary>No bound but the destination's own.</summary>
    public static PeerGrants Everything { get; } = new();

    /// <summary>Names of the roots that its torrents may lie under; null for all that are configured.</summary>
    public IReadOnlyList<string>? Roots { get; init; }

    /// <summary>Categories that it may set; null for any.</summary>
    public IReadOnlyList<string>? Categories { get; init; }

    /// <summary>Bytes of all its open and finished torrents, reserved when a torrent is opened; null for no bound.</summary>
    public long? Quota { get; init; }

    /// <summary>Payload bytes a second that it may send; null for no bound.</summary>
    public long? Rate { get; init; }

    /// <summary>May start and stop what was added for it.</summary>
    public bool MayStart { get; init; } = true;

    /// <summary>May give up an unfinished torrent of its own, whose files then go. Finalized files never do.</summary>
    public bool MayDelete { get; init; } = true;
}
