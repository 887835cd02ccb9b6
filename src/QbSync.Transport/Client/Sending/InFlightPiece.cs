using QbSync.Pieces;

namespace QbSync.Transport.Client.Sending;

/// <summary>An attempt that began and was not answered yet.</summary>
internal struct InFlightPiece
{
    public PieceRef Piece;
    public long Attempt;

    /// <summary>Payload handed over.</summary>
    public int Bytes;

    /// <summary>Whether the last chunk was taken.</summary>
    public bool IsWhole;

    /// <summary>When the last chunk was taken.</summary>
    public TimeSpan WholeAt;

    /// <summary>Weight handed over on the stream up to the piece's end.</summary>
    public long End;

    /// <summary>When it last moved.</summary>
    public TimeSpan ProgressAt;
}

/// <summary>What became of a stream's piece that was being handed over.</summary>
internal enum SendingFate
{
    /// <summary>It goes on.</summary>
    Open = 0,

    /// <summary>The destination answered before it had all.</summary>
    Answered = 1,

    /// <summary>The stream ended.</summary>
    Lost = 2,
}

/// <summary>What an answer is about.</summary>
internal enum AnswerKind
{
    /// <summary>An attempt that is known no more.</summary>
    Unknown = 0,

    /// <summary>An attempt in flight; it is no more.</summary>
    InFlight = 1,

    /// <summary>An attempt that had ended here.</summary>
    Late = 2,

    /// <summary>A transfer that never began: no honest peer answers it.</summary>
    Impossible = 3,
}
