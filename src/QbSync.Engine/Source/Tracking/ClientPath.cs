namespace QbSync.Engine.Source.Tracking;

/// <summary>Paths as a client writes them, compared by their parts: separators at the end and doubled ones never count. Pure.</summary>
internal static class ClientPath
{
    /// <summary>The parts of a path; a backslash separates only where the path has a drive, since elsewhere it may be part of a name.</summary>
    public static string[] Split(string path) =>
        path.Split(HasDrive(path) ? ['/', '\\'] : ['/'], StringSplitOptions.RemoveEmptyEntries);

    public static bool IsAbsolute(string path) => path.StartsWith('/') || HasDrive(path);

    public static bool StartsWith(ReadOnlySpan<string> path, ReadOnlySpan<string> prefix) =>
        path.Length >= prefix.Length && path[..prefix.Length].SequenceEqual(prefix);

    public static bool EndsWith(ReadOnlySpan<string> path, ReadOnlySpan<string> suffix) =>
        path.Length >= suffix.Length && path[^suffix.Length..].SequenceEqual(suffix);

    /// <summary>Whether the parts name something below a folder and nothing else: none empty, none a step, none with a character that ends names.</summary>
    public static bool IsSafe(ReadOnlySpan<string> parts)
    {
        foreach (var part in parts)
        {
            if (part is "" or "." or ".." || part.Contains('\0', StringComparison.Ordinal) || part.Contains('/', StringComparison.Ordinal))
            {
                return false;
            }
        }

        return parts.Length > 0;
    }

    private static bool HasDrive(string path) => path.Length >= 3 && char.IsAsciiLetter(path[0]) && path[1] == ':' && path[2] is '/' or '\\';
}
