using QbSync.Pieces;

namespace QbSync.Engine.Source.Streaming;

/// <summary>What of a piece crosses the wire: all but pads.</summary>
internal static class PieceRanges
{
    /// <summary>Ranges of the piece in order, adjoining ones as one. A piece of pads alone gives its first byte, so that something asks for an answer.</summary>
    public static (int Offset, int Length)[] Of(PieceLayout layout, int piece, List<PieceSegment> scratch)
    {
        layout.GetSegments(piece, scratch);
        List<(int Offset, int Length)> ranges = [];
        foreach (var segment in scratch)
        {
            if (segment.IsPad)
            {
                continue;
            }

            if (ranges.Count > 0 && ranges[^1].Offset + ranges[^1].Length == segment.PieceOffset)
            {
                ranges[^1] = (ranges[^1].Offset, ranges[^1].Length + segment.Length);
            }
            else
            {
                ranges.Add((segment.PieceOffset, segment.Length));
            }
        }

        return ranges.Count == 0 ? [(0, 1)] : [.. ranges];
    }
}
