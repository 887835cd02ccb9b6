namespace QbSync.Engine.Destination.Initialization;

/// <summary>
/// What clients put to the names of files that are not finished or not wanted. They take it off whatever they list, so that under such a name no client ever has
/// a finished file: neither one of a torrent's own names, nor one that a download had when it was looked at. Pure.
/// </summary>
internal static class ClientMarks
{
    private const string Unfinished = ".!qB";
    private const string Unwanted = ".unwanted";

    /// <summary>The path that a finished file has; the same when it bears no mark.</summary>
    public static IReadOnlyList<string> Remove(IReadOnlyList<string> path)
    {
        if (path.Count == 0)
        {
            return path;
        }

        var name = path[^1];
        while (name.Length > Unfinished.Length && name.EndsWith(Unfinished, StringComparison.Ordinal))
        {
            name = name[..^Unfinished.Length];
        }

        var folders = path.Count - 1;
        while (folders > 0 && path[folders - 1] == Unwanted)
        {
            folders--;
        }

        return name.Length == path[^1].Length && folders == path.Count - 1 ? path : [.. path.Take(folders), name];
    }
}
