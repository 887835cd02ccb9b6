namespace QbSync.Engine.Destination;

/// <summary>Paths as the client's machine writes them.</summary>
internal static class ClientPaths
{
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
