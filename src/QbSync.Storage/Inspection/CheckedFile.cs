namespace QbSync.Storage.Inspection;

/// <summary>A file after a check.</summary>
/// <param name="Path">Below the root that was checked, <c>/</c> between parts.</param>
/// <param name="Mark">What was found.</param>
public sealed record CheckedFile(string Path, FileMark Mark)
{
    /// <summary>Pieces that touch it and do not match, or could not be put together, in order.</summary>
    public IReadOnlyList<int> BadPieces { get; init; } = [];

    /// <summary>Why it could not be read, with the system's error number; else null.</summary>
    public string? Error { get; init; }
}
