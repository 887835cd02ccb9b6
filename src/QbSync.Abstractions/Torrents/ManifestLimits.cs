namespace QbSync.Torrents;

/// <summary>What a <c>.torrent</c> may be at most. The defaults are the limits of libtorrent or above them.</summary>
public sealed record ManifestLimits
{
    /// <summary>The limits used when none are given.</summary>
    public static ManifestLimits Default { get; } = new();

    /// <summary>Bytes of the whole <c>.torrent</c>. Default 100 MiB.</summary>
    public int MaxBytes { get; init; } = 100 << 20;

    /// <summary>Depth of nested lists and dictionaries, and of folders. Default 100.</summary>
    public int MaxDepth { get; init; } = 100;

    /// <summary>Bencoded values in all. Default 10,000,000.</summary>
    public int MaxTokens { get; init; } = 10_000_000;

    /// <summary>Entries of the file list. Default 500,000.</summary>
    public int MaxFiles { get; init; } = 500_000;

    /// <summary>Pieces. Default 2,097,152.</summary>
    public int MaxPieces { get; init; } = 2_097_152;

    /// <summary>Bytes of one file and of all. Default 2^48 - 1.</summary>
    public long MaxLength { get; init; } = (1L << 48) - 1;

    /// <summary>Bytes of a piece. Default 536,854,528.</summary>
    public int MaxPieceLength { get; init; } = 536_854_528;
}
