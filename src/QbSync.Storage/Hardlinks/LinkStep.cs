namespace QbSync.Storage.Hardlinks;

/// <summary>How a file that the source describes by an identity comes here.</summary>
internal enum LinkStep
{
    /// <summary>It is received; where others want the same file, they wait for this one.</summary>
    None = 0,

    /// <summary>A verified file of this identity is here: link to it, then hash.</summary>
    Linkable = 1,

    /// <summary>Another torrent receives a file of this identity.</summary>
    Waits = 2,
}
