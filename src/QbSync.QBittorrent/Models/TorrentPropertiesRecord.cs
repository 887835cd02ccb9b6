namespace QbSync.QBittorrent.Models;

/// <summary>Answer of <c>torrents/properties</c>, as far as the lists of torrents do not tell it. Null: not told.</summary>
public sealed record TorrentPropertiesRecord
{
    /// <summary>Where the files are to be, as the client sees it.</summary>
    public string? SavePath { get; init; }

    /// <summary>Comment of the <c>.torrent</c>.</summary>
    public string? Comment { get; init; }

    /// <summary>Program that made the <c>.torrent</c>.</summary>
    public string? CreatedBy { get; init; }

    /// <summary>Seconds since 1970 when the <c>.torrent</c> was made; -1: it does not say.</summary>
    public long? CreationDate { get; init; }

    /// <summary>Bytes of a piece.</summary>
    public long? PieceSize { get; init; }

    /// <summary>Pieces in all; null without metadata.</summary>
    public long? PiecesNum { get => field is > 0 ? field : null; init; }

    /// <summary>Pieces had and checked.</summary>
    public long? PiecesHave { get; init; }

    /// <summary>Bytes of all files, pads included; -1 without metadata.</summary>
    public long? TotalSize { get; init; }

    /// <summary>Bytes per second that it may upload; 0 or less: no limit of its own.</summary>
    public long? UpLimit { get; init; }

    /// <summary>Bytes per second that it may download; 0 or less: no limit of its own.</summary>
    public long? DlLimit { get; init; }

    /// <summary>Whether peers come from trackers alone. Told from 5.0 on.</summary>
    public bool? IsPrivate { get; init; }
}
