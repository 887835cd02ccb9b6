namespace QbSync.Storage.Pieces;

/// <summary>Which of two places each part of a boundary piece is read from. The default: the file, else the first part file that has the piece.</summary>
/// <param name="PartFile">Part file candidate to begin with.</param>
/// <param name="PreferPart">Bit i: segment i from the part file, else from its own; segments beyond the last bit share it.</param>
internal readonly record struct PieceSources(int PartFile, ulong PreferPart)
{
    /// <summary>More doubtful segments than this are not told apart: each costs hashing the piece some more times.</summary>
    public const int MaxDoubtful = 24;

    /// <summary>Up to so many all combinations are tried: each more would double the number of times that the piece is hashed.</summary>
    private const int MaxCombined = 4;

    public bool PrefersPart(int segment) => (PreferPart >> Math.Min(segment, 63) & 1) != 0;

    /// <summary>How many combinations are tried over so many doubtful segments.</summary>
    public static int CountCombinations(int doubtful) => doubtful <= MaxCombined ? 1 << doubtful : 3 * doubtful;

    /// <summary>
    /// The combination of this number over the doubtful segments. Of many segments those are tried in which the files of one row that begins or ends the
    /// piece, or one file alone, are right: that is how selected ones lie among unselected ones.
    /// </summary>
    public static PieceSources Combine(int partFile, int number, ReadOnlySpan<int> doubtful)
    {
        var bits = 0UL;
        var (row, kind) = Math.DivRem(number, 3);
        for (var i = 0; i < doubtful.Length; i++)
        {
            var isPart = doubtful.Length <= MaxCombined ? (number >> i & 1) != 0 : kind switch
            {
                0 => i >= row,
                1 => i < row,
                _ => i != row,
            };
            bits |= (isPart ? 1UL : 0) << Math.Min(doubtful[i], 63);
        }

        return new PieceSources(partFile, bits);
    }
}
