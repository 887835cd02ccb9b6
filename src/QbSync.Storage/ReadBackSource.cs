namespace QbSync.Storage;

/// <summary>Where bytes come from when they are read back to be verified.</summary>
public enum ReadBackSource
{
    /// <summary>Wherever the system has them, which may be its memory.</summary>
    Cached = 0,

    /// <summary>The device: what the system keeps in memory is dropped first.</summary>
    Media = 1,
}
