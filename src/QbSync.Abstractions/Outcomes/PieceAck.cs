using QbSync.Pieces;

namespace QbSync.Outcomes;

/// <summary>The destination's answer for one attempt to send a piece. The numbers are the wire's; an unknown one counts as <see cref="Busy"/>.</summary>
public enum PieceAckStatus
{
    /// <summary>Not answered yet: more chunks are expected.</summary>
    Pending = 0,

    /// <summary>Verified and given to the operating system.</summary>
    Accepted = 1,

    /// <summary>The destination had it; the chunks were dropped.</summary>
    Held = 2,

    /// <summary>The whole piece does not hash.</summary>
    HashMismatch = 3,

    /// <summary>No session there receives this torrent.</summary>
    NotOpen = 4,

    /// <summary>The attempt is of an older epoch.</summary>
    StaleEpoch = 5,

    /// <summary>A newer attempt has the piece.</summary>
    ClaimLost = 6,

    /// <summary>Nothing is needed any more.</summary>
    Finalizing = 7,

    /// <summary>Device or grant is full.</summary>
    NoSpace = 8,

    /// <summary>The write failed.</summary>
    StorageError = 9,

    /// <summary>Paused, stopping, or over its share of the budget.</summary>
    Busy = 10,

    /// <summary>A partial file vanished or was replaced.</summary>
    FileLost = 11,

    /// <summary>v1 is right and v2 wrong, or the reverse.</summary>
    TorrentInconsistent = 12,

    /// <summary>Impossible index, offset, order or length, or a piece that is not selected.</summary>
    Malformed = 13,
}

/// <summary>Sorts ack codes.</summary>
public static class PieceAckStatuses
{
    /// <summary>Whether the destination has the piece.</summary>
    public static bool IsSuccess(this PieceAckStatus status) => status is PieceAckStatus.Accepted or PieceAckStatus.Held;
}

/// <summary>An answer, with the attempt that it answers.</summary>
/// <param name="Piece">The piece.</param>
/// <param name="Attempt">The attempt's number, as given to <see cref="Ports.IPieceLink.SendAsync"/>.</param>
/// <param name="Status">The verdict.</param>
/// <param name="RetryAfter">For <see cref="PieceAckStatus.NoSpace"/> and <see cref="PieceAckStatus.Busy"/>: when to try again.</param>
public readonly record struct PieceAck(PieceRef Piece, long Attempt, PieceAckStatus Status, TimeSpan RetryAfter);
