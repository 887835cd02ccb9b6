namespace QbSync.Storage.Pieces;

/// <summary>Which of two places each part of a boundary piece is read from. The default: the file, else the first part file that has the piece.</summary>
/// <param name="PartFile">Part file candidate to begin with.</param>
/// <param name="PreferPart">Bit i: segment i from the part file, else from its own; segments beyond the last bit share it.</param>
internal readonly record struct PieceSources(int PartFile, ulong PreferPart)
{
    /// <summary>More doubtful segments than this are not combined: each doubles the number of times that the piece is hashed.</summary>
    public const int MaxDoubtful = 4;

    public bool PrefersPart(int segment) => (PreferPart >> Math.Min(segment, 63) & 1) != 0;

    /// <summary>The combination of this number over the doubtful segments.</summary>
    public static PieceSources Combine(int partFile, int number, ReadOnlySpan<int> doubtful)
    {
        var bits = 0UL;
        for (var i = 0; i < doubtful.Length; i++)
        {
            bits |= (ulong)(number >> i & 1) << Math.Min(doubtful[i], 63);
        }

        return new PieceSources(partFile, bits);
    }
}
