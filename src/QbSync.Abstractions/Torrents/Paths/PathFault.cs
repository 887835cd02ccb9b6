namespace QbSync.Torrents;

/// <summary>What is wrong with a path.</summary>
public enum PathFaultKind
{
    /// <summary>No part, or an empty one.</summary>
    Empty = 0,

    /// <summary>A part is <c>.</c> or <c>..</c>.</summary>
    DotName = 1,

    /// <summary>A part holds a slash, a backslash, NUL, another control character, or is not Unicode text.</summary>
    BadCharacter = 2,

    /// <summary>A part of more than 255 bytes in UTF-8.</summary>
    PartTooLong = 3,

    /// <summary>The path has more than 4,000 bytes in UTF-8.</summary>
    PathTooLong = 4,

    /// <summary>A name that QbSync keeps for itself: <c>.qbsync</c>, or one that ends in <c>.qbsync-part</c>.</summary>
    Reserved = 5,

    /// <summary>Two files whose paths are equal once case and normalisation are folded.</summary>
    Duplicate = 6,

    /// <summary>One file is the folder of another.</summary>
    FileIsFolder = 7,
}

/// <summary>Why a set of paths cannot be written.</summary>
/// <param name="Kind">What is wrong.</param>
/// <param name="Path">The path, its parts joined by slashes; may hold anything: escape it before it is shown.</param>
/// <param name="Other">The path it collides with, or null.</param>
public sealed record PathFault(PathFaultKind Kind, string Path, string? Other = null);
