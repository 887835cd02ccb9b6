using System.Runtime.CompilerServices;

namespace QbSync.QBittorrent.Models;

/// <summary>Fields of a torrent that are text, in the order of <see cref="TorrentTexts"/>.</summary>
internal enum TorrentText
{
    Hash,
    InfoHashV1,
    InfoHashV2,
    Name,
    ContentPath,
    State,
    Category,
    Tags,
    SavePath,
    DownloadPath,
}

/// <summary>Fields of a torrent that are numbers, in the order of <see cref="TorrentNumbers"/>: first integers, then fractions, then booleans.</summary>
internal enum TorrentNumber
{
    AmountLeft,
    Completed,
    Size,
    TotalSize,
    AddedOn,
    CompletionOn,
    SeenComplete,
    LastActivity,
    SeedingTime,
    Eta,
    Uploaded,
    Downloaded,
    UpSpeed,
    DlSpeed,
    NumSeeds,
    NumLeechs,
    NumComplete,
    NumIncomplete,
    Progress,
    Ratio,
    RatioLimit,
    SeedingTimeLimit,
    InactiveSeedingTimeLimit,
    Availability,
    AutoTmm,
    HasMetadata,
}

/// <summary>Texts of one torrent in place: a record of thousands of torrents is one object each.</summary>
[InlineArray(Count)]
internal struct TorrentTexts : IEquatable<TorrentTexts>
{
    public const int Count = (int)TorrentText.DownloadPath + 1;

    private string? _first;

    public readonly bool Equals(TorrentTexts other) => ((ReadOnlySpan<string?>)this).SequenceEqual(other);

    public override readonly bool Equals(object? obj) => obj is TorrentTexts other && Equals(other);

    public override readonly int GetHashCode() => _first?.GetHashCode(StringComparison.Ordinal) ?? 0;
}

/// <summary>Numbers of one torrent in place, fractions by their bits. What was not told is 0.</summary>
[InlineArray(Count)]
internal struct TorrentNumbers : IEquatable<TorrentNumbers>
{
    public const int Count = (int)TorrentNumber.HasMetadata + 1;

    private long _first;

    public readonly bool Equals(TorrentNumbers other) => ((ReadOnlySpan<long>)this).SequenceEqual(other);

    public override readonly bool Equals(object? obj) => obj is TorrentNumbers other && Equals(other);

    public override readonly int GetHashCode() => _first.GetHashCode();
}
