using QbSync.Torrents;

namespace QbSync.Pieces;

/// <summary>
/// Where the pieces of a torrent lie in its files, and what a selection makes of them. Pure arithmetic, immutable, built once in O(files + pieces).
/// </summary>
public sealed class PieceLayout
{
    private readonly PieceBitmap _selected;
    private readonly PieceBitmap _boundary;

    /// <summary>Lays <paramref name="manifest"/> out for <paramref name="selection"/>.</summary>
    public PieceLayout(TorrentManifest manifest, Selection selection)
    {
        Manifest = manifest;
        Selection = selection;
        _selected = new PieceBitmap(manifest.PieceCount);
        _boundary = new PieceBitmap(manifest.PieceCount);
        var unselected = new PieceBitmap(manifest.PieceCount);
        foreach (var file in manifest.Files)
        {
            if (file.Length == 0 || !file.IsReal)
            {
                continue;
            }

            var bits = selection.IsSelected(file.Index) ? _selected : unselected;
            var (first, count) = GetPieces(file);
            for (var piece = first; piece < first + count; piece++)
            {
                bits.Set(piece);
            }

            SelectedBytes += selection.IsSelected(file.Index) ? file.Length : 0;
        }

        _boundary.Or(_selected);
        unselected.SetComplement();
        _boundary.Except(unselected);
    }

    /// <summary>The manifest.</summary>
    public TorrentManifest Manifest { get; }

    /// <summary>The selection.</summary>
    public Selection Selection { get; }

    /// <summary>Bytes of the selected files.</summary>
    public long SelectedBytes { get; }

    /// <summary>Pieces that touch a selected byte.</summary>
    public int SelectedPieceCount => _selected.Count;

    /// <summary>Whether any selected piece also holds bytes of an unselected file.</summary>
    public bool HasBoundaryPieces => _boundary.Count > 0;

    /// <summary>Whether the piece touches a selected byte.</summary>
    public bool IsSelected(int piece) => _selected[piece];

    /// <summary>Whether the piece touches a selected byte and one of an unselected file.</summary>
    public bool IsBoundary(int piece) => _boundary[piece];

    /// <summary>A copy of the mask of selected pieces.</summary>
    public PieceBitmap CopySelected() => _selected.Clone();

    /// <summary>Whether <paramref name="have"/> holds every selected piece.</summary>
    public bool IsComplete(PieceBitmap have) => have.Contains(_selected);

    /// <summary>Selected pieces that <paramref name="have"/> holds.</summary>
    public int CountHeld(PieceBitmap have) => have.CountAnd(_selected);

    /// <summary>The pieces that touch a file; none for an empty one.</summary>
    public (int First, int Count) GetPieces(TorrentFile file)
    {
        if (file.Length == 0)
        {
            return ((int)Math.Min(file.Offset / Manifest.PieceLength, Manifest.PieceCount), 0);
        }

        var first = (int)(file.Offset / Manifest.PieceLength);
        var last = (int)((file.Offset + file.Length - 1) / Manifest.PieceLength);
        return (first, last - first + 1);
    }

    /// <summary>
    /// Replaces the content of <paramref name="segments"/> by the parts of a piece, in order, disjoint, covering it whole. O(log files + parts).
    /// </summary>
    public void GetSegments(int piece, List<PieceSegment> segments)
    {
        segments.Clear();
        var start = Manifest.GetPieceOffset(piece);
        var end = start + Manifest.GetPieceLength(piece);
        var files = Manifest.Files;
        for (var i = Manifest.FindFile(start); start < end; i++)
        {
            var file = files[i];
            var fileEnd = file.Offset + file.Length;
            if (fileEnd <= start)
            {
                continue;
            }

            var length = (int)(Math.Min(end, fileEnd) - start);
            segments.Add(new PieceSegment(i, start - file.Offset, (int)(start - Manifest.GetPieceOffset(piece)), length, !file.IsReal));
            start += length;
        }
    }
}
