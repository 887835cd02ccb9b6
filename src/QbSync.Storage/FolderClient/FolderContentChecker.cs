using QbSync.Ports;
using QbSync.Storage.Pieces;
using QbSync.Torrents;

namespace QbSync.Storage.FolderClient;

/// <summary>
/// Finds out which pieces of a torrent are on disk: first what changed, by looks at the files; then, within a budget, by hashing what is due.
/// </summary>
internal sealed class FolderContentChecker(PieceReader reader, TimeProvider time)
{
    /// <summary>What a look at a piece that is not there counts as: it costs a few calls, not a read.</summary>
    private const int CostOfLook = 16 * 1024;

    /// <summary>Marks missing pieces of files that changed since the last look as due, and drops pieces of files that shrank or went.</summary>
    public void Look(FolderTorrent torrent)
    {
        foreach (var file in torrent.Manifest.Files)
        {
            if (file.IsReal && file.Length > 0 && LacksPieces(torrent, file))
            {
                LookAt(torrent, file);
            }
        }

        if (torrent.Layout.HasBoundaryPieces)
        {
            LookAtPartFile(torrent);
        }
    }

    /// <summary>Hashes due pieces until the budget is used up; at least one.</summary>
    /// <returns>What it cost, in bytes.</returns>
    public long Check(FolderTorrent torrent, long maxBytes, long deadline, CancellationToken cancellationToken)
    {
        long cost = 0;
        while (cost == 0 || (cost < maxBytes && time.GetTimestamp() < deadline))
        {
            var piece = torrent.TakeDue();
            if (piece < 0)
            {
                break;
            }

            try
            {
                var status = reader.Verify(torrent.Location, piece, cancellationToken);
                cost += status is PieceReadStatus.Missing ? CostOfLook : torrent.Manifest.GetPieceLength(piece);
                if (status == PieceReadStatus.Read)
                {
                    torrent.Hold(piece);
                    torrent.GrewAt = time.GetTimestamp();
                }
                else
                {
                    torrent.Drop(piece);
                }
            }
            catch (OperationCanceledException)
            {
                torrent.Due.Set(piece);
                throw;
            }
        }

        return cost;
    }

    /// <summary>Whether every selected file that should hold bytes is there; by its exact size where <paramref name="whole"/>.</summary>
    public bool HasFiles(FolderTorrent torrent, bool whole) => torrent.RealFiles()
        .Where(file => file.Length > 0 && torrent.Layout.Selection.IsSelected(file.Index))
        .All(file => reader.Identify(torrent.Location, file.Index) is { } found && (!whole || found.Size == file.Length));

    /// <summary>Drops verified pieces of which a file does not have the bytes any more.</summary>
    public void DropLost(FolderTorrent torrent)
    {
        foreach (var file in torrent.RealFiles().Where(file => torrent.GetHeldBytes(file.Index) > 0 && torrent.Layout.Selection.IsSelected(file.Index)))
        {
            DropBeyond(torrent, file, reader.Identify(torrent.Location, file.Index)?.Size ?? 0);
        }
    }

    private void LookAt(FolderTorrent torrent, TorrentFile file)
    {
        ref var look = ref torrent.Looks[file.Index];
        if (reader.Identify(torrent.Location, file.Index) is not { } found)
        {
            if (look.Identity.Size > 0 && torrent.Layout.Selection.IsSelected(file.Index))
            {
                DropBeyond(torrent, file, 0);
            }

            look = default;
            return;
        }

        if (look.Identity == found)
        {
            if (!look.AgainDue)
            {
                return;
            }

            look = look with { AgainDue = false };
        }
        else
        {
            if (found.Size > look.Identity.Size)
            {
                torrent.GrewAt = time.GetTimestamp();
            }
            else if (found.Size < look.Identity.Size)
            {
                DropBeyond(torrent, file, found.Size);
            }

            look = new FolderFileLook(found, AgainDue: true);
        }

        MarkDue(torrent, file, found.Size);
    }

    private void LookAtPartFile(FolderTorrent torrent)
    {
        ref var look = ref torrent.Looks[^1];
        var found = reader.IdentifyPartFile(torrent.Location) ?? default;
        if (look.Identity == found)
        {
            return;
        }

        look = new FolderFileLook(found, AgainDue: false);
        for (var piece = torrent.Have.NextClear(0); piece >= 0; piece = torrent.Have.NextClear(piece + 1))
        {
            if (torrent.Layout.IsBoundary(piece))
            {
                torrent.Due.Set(piece);
            }
        }
    }

    /// <summary>Whether a selected piece that touches the file is missing. Of an unselected file only the first and the last can be selected.</summary>
    private static bool LacksPieces(FolderTorrent torrent, TorrentFile file)
    {
        if (torrent.Layout.Selection.IsSelected(file.Index))
        {
            return torrent.GetHeldBytes(file.Index) < file.Length;
        }

        var (first, count) = torrent.Layout.GetPieces(file);
        return IsMissing(first) || IsMissing(first + count - 1);

        bool IsMissing(int piece) => torrent.Layout.IsSelected(piece) && !torrent.Have[piece];
    }

    private static void MarkDue(FolderTorrent torrent, TorrentFile file, long size)
    {
        var (first, count) = torrent.Layout.GetPieces(file);
        for (var piece = torrent.Have.NextClear(first); piece >= 0 && piece < first + count; piece = torrent.Have.NextClear(piece + 1))
        {
            var end = Math.Min(torrent.Manifest.GetPieceOffset(piece) + torrent.Manifest.GetPieceLength(piece) - file.Offset, file.Length);
            if (end > size)
            {
                break;
            }

            if (torrent.Layout.IsSelected(piece))
            {
                torrent.Due.Set(piece);
            }
        }
    }

    private static void DropBeyond(FolderTorrent torrent, TorrentFile file, long size)
    {
        if (size >= file.Length)
        {
            return;
        }

        var (first, count) = torrent.Layout.GetPieces(file);
        for (var piece = (int)((file.Offset + size) / torrent.Manifest.PieceLength); piece < first + count; piece++)
        {
            torrent.Drop(piece);
        }
    }
}
