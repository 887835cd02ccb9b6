namespace QbSync.Testing.FileSystems;

/// <summary>What a file system may have lost, or kept too early, when the power went.</summary>
public enum CrashModel
{
    /// <summary>Changes of names and lengths in their order, any flush carries all earlier ones; bytes before the change that names their file.</summary>
    Ordered = 0,

    /// <summary>As above, but bytes come late: a length may be there with zeros, a new name before its content.</summary>
    Delayed = 1,

    /// <summary>Any part of what was not flushed itself. A rename is still one step: a file loses no name that it does not get another one for.</summary>
    Weak = 2,
}

/// <summary>What becomes, in a crash, of one change that was not flushed.</summary>
public enum CrashFate
{
    /// <summary>It is gone.</summary>
    Lost = 0,

    /// <summary>It is there.</summary>
    Kept = 1,

    /// <summary>Of written bytes some sectors of 512 are there.</summary>
    Torn = 2,
}
