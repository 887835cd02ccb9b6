namespace QbSync.Engine.Shared;

/// <summary>A change that a client was asked for, and how long it may take until a read shows it. More than ten times what was ever measured.</summary>
/// <param name="Verb">The port's verb; for people.</param>
/// <param name="Within">Negative: only lack of progress ends it, which whoever waits judges.</param>
internal readonly record struct ClientChange(string Verb, TimeSpan Within)
{
    /// <summary>A stop.</summary>
    public static readonly ClientChange Stop = new("stop", TimeSpan.FromSeconds(30));

    /// <summary>A start.</summary>
    public static readonly ClientChange Start = new("start", TimeSpan.FromSeconds(30));

    /// <summary>A move to another save path; whether its files have moved is another question.</summary>
    public static readonly ClientChange SetLocation = new("change of the save path", TimeSpan.FromSeconds(30));

    /// <summary>New tags.</summary>
    public static readonly ClientChange AddTags = new("new tags", TimeSpan.FromSeconds(10));

    /// <summary>A category.</summary>
    public static readonly ClientChange SetCategory = new("change of the category", TimeSpan.FromSeconds(10));

    /// <summary>Share limits.</summary>
    public static readonly ClientChange SetShareLimits = new("change of the share limits", TimeSpan.FromSeconds(10));

    /// <summary>One renamed file.</summary>
    public static readonly ClientChange RenameFile = new("new name of a file", TimeSpan.FromSeconds(10));

    /// <summary>A round of selecting files.</summary>
    public static readonly ClientChange Select = new("selection of files", TimeSpan.FromSeconds(30));

    /// <summary>An added torrent in the list.</summary>
    public static readonly ClientChange Add = new("new torrent", TimeSpan.FromSeconds(60));

    /// <summary>A deleted torrent out of the list.</summary>
    public static readonly ClientChange Delete = new("delete", TimeSpan.FromSeconds(60));

    /// <summary>A check of the content, which may take hours.</summary>
    public static readonly ClientChange Recheck = new("check", Timeout.InfiniteTimeSpan);
}
