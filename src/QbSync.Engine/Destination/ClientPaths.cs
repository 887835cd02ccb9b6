namespace QbSync.Engine.Destination;

/// <summary>Paths as the client's machine writes them.</summary>
internal static class ClientPaths
{
    /// <summary>Folders from a save path down to a path below it; null when it does not lie below.</summary>
    public static IReadOnlyList<string>? TryGetBelow(string savePath, string path)
    {
        string[] outer = Split(savePath), inner = Split(path);
        return inner.Length >= outer.Length && inner.AsSpan(0, outer.Length).SequenceEqual(outer) ? inner[outer.Length..] : null;

        static string[] Split(string text) => text.Replace('\\', '/').Split('/', StringSplitOptions.RemoveEmptyEntries);
    }

    /// <summary>A save path with folders below it, in the separator that the save path uses.</summary>
    public static string Join(string savePath, IReadOnlyList<string> parts)
    {
        if (parts.Count == 0)
        {
            return savePath;
        }

        var separator = savePath.Contains('\\', StringComparison.Ordinal) && !savePath.Contains('/', StringComparison.Ordinal) ? '\\' : '/';
        return savePath.TrimEnd('/', '\\') + separator + string.Join(separator, parts);
    }
}
