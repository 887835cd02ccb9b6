namespace QbSync.Storage.Hardlinks;

/// <summary>How a file of a key is being had.</summary>
internal enum ClaimRole
{
    /// <summary>It is received, and others wait for it.</summary>
    Writer = 0,

    /// <summary>It waits for a writer, or to be linked.</summary>
    Waiter = 1,

    /// <summary>It is received while another is the writer: linking it failed, or it stood still for too long.</summary>
    Streaming = 2,

    /// <summary>It is linked and not yet published.</summary>
    Linked = 3,
}

/// <summary>A file that is on its way, with its key. Owned by <see cref="HardlinkClaims"/>.</summary>
internal sealed class HardlinkClaim(FileRef file, LinkKey key)
{
    /// <summary>The file.</summary>
    public FileRef File => file;

    /// <summary>Its key.</summary>
    public LinkKey Key => key;

    /// <summary>How it is being had.</summary>
    public ClaimRole Role { get; set; }

    /// <summary>When it last got on, as a timestamp of the clock.</summary>
    public long LastProgress { get; set; }
}
