using QbSync.Outcomes;
using QbSync.Pieces;
using QbSync.Ports;

namespace QbSync.Engine.Destination.Finalization;

/// <summary>
/// How often each piece of a torrent failed its read-back. A disk that spoils one piece three times will spoil it again. Used from the session's lane only.
/// </summary>
internal sealed class ReadBackLedger
{
    /// <summary>Failures of one piece after which nobody tries again by himself.</summary>
    private const int Limit = 3;

    private readonly Dictionary<int, int> _failures = [];

    /// <summary>A piece that has reached the limit, if any.</summary>
    public int? Repeating { get; private set; }

    /// <summary>Notes the pieces that were held before and are not now; how many.</summary>
    public int Note(PieceBitmap before, PieceBitmap after)
    {
        var lost = before.Clone();
        lost.Except(after);
        for (var piece = lost.NextSet(0); piece >= 0; piece = lost.NextSet(piece + 1))
        {
            var count = _failures.GetValueOrDefault(piece) + 1;
            _failures[piece] = count;
            if (count >= Limit)
            {
                Repeating = piece;
            }
        }

        return lost.Count;
    }

    /// <summary>Why a torrent with such a piece fails, naming the file and the range.</summary>
    public static Refusal Describe(ITorrentStorage storage, int piece)
    {
        List<PieceSegment> segments = [];
        storage.Layout.GetSegments(piece, segments);
        var where = segments.First(static segment => !segment.IsPad);
        var path = string.Join('/', storage.Request.FileNames[where.FileIndex]);
        return new Refusal(
            RefusalReason.VerificationRepeats,
            $"Piece {piece} was read back wrong three times: {path}, bytes {where.FileOffset} to {where.FileOffset + where.Length}.");
    }

    /// <summary>Forgets everything: somebody asked to try again.</summary>
    public void Clear()
    {
        _failures.Clear();
        Repeating = null;
    }
}
