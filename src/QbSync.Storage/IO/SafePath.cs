using System.Text;

namespace QbSync.Storage.IO;

/// <summary>Which names may become names on disk. Pure. Every name below a root passes here, whoever made it.</summary>
internal static class SafePath
{
    /// <summary>Folder of ours in a root.</summary>
    public const string OwnFolder = ".qbsync";

    /// <summary>End of the names of unfinished files.</summary>
    public const string PartialSuffix = ".qbsync-part";

    private const int MaxPartBytes = 255;
    private const int MaxPathBytes = 4000;

    /// <summary>Whether it is one part of a path: it names an entry of a folder and nothing else.</summary>
    public static bool IsPart(string name) =>
        name.Length is > 0 and <= MaxPartBytes && name is not ("." or "..") && name.AsSpan().IndexOfAny('/', '\0') < 0
        && Encoding.UTF8.GetByteCount(name) <= MaxPartBytes;

    /// <summary>Whether content may have this path: parts only, not too long, and none of the names that we keep to ourselves.</summary>
    public static bool IsContentPath(IReadOnlyList<string> parts)
    {
        var bytes = 0;
        foreach (var part in parts)
        {
            if (!IsPart(part) || part.EndsWith(PartialSuffix, StringComparison.OrdinalIgnoreCase)
                || part.Equals(OwnFolder, StringComparison.OrdinalIgnoreCase))
            {
                return false;
            }

            bytes += Encoding.UTF8.GetByteCount(part) + 1;
        }

        return parts.Count > 0 && bytes <= MaxPathBytes;
    }
}
