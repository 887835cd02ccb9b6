namespace QbSync.Engine.Shared;

/// <summary>How a client contradicts what it was told.</summary>
internal enum ClientViolation
{
    /// <summary>It is active though it was to be stopped.</summary>
    Active = 0,

    /// <summary>It downloads.</summary>
    Downloading = 1,

    /// <summary>It does not find the files.</summary>
    MissingFiles = 2,

    /// <summary>It is in error.</summary>
    Errored = 3,
}
