using QbSync.Pieces;
using QbSync.Ports;

namespace QbSync.Engine.Destination;

/// <summary>Questions of the destination to a layout.</summary>
internal static class PieceLayouts
{
    /// <summary>Whether every piece that touches a file is held. An empty file is always whole.</summary>
    public static bool IsWhole(this PieceLayout layout, PieceBitmap have, int fileIndex)
    {
        var (first, count) = layout.GetPieces(layout.Manifest.Files[fileIndex]);
        var missing = have.Length == 0 ? -1 : have.NextClear(first);
        return missing < 0 || missing >= first + count;
    }

    /// <summary>
    /// Selected pieces that the source has to send. Deferred ones are counted first: one that becomes held meanwhile is counted twice, never forgotten,
    /// and who acts on that looks again at the bitmaps.
    /// </summary>
    public static int LackedPieces(this ITorrentStorage storage)
    {
        var deferred = storage.DeferredPieces;
        return Math.Max(0, storage.Layout.SelectedPieceCount - storage.HeldPieces - deferred);
    }

    /// <summary>Indices of the selected files.</summary>
    public static IEnumerable<int> GetSelectedFiles(this PieceLayout layout) =>
        layout.Manifest.Files.Where(file => file.IsReal && layout.Selection.IsSelected(file.Index)).Select(static file => file.Index);

    /// <summary>Whether every real file is selected.</summary>
    public static bool IsWholeSelection(this PieceLayout layout) =>
        layout.Selection.SelectedCount == layout.Manifest.Files.Count(static file => file.IsReal);
}
