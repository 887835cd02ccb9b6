using System.Text;
using QbSync.Ports;
using QbSync.Storage.IO;
using QbSync.Storage.State;

namespace QbSync.Storage.Pieces;

internal sealed partial class TorrentStorage
{
    private const int LongestName = 255;

    /// <summary>Whether it stands, unchanged, under the name that a client gives a file until its check ends; the client gives the final name back.</summary>
    private bool IsRenamedByClient(StoredFile file)
    {
        if (file.Record is not { Kind: OwnKind.Published or OwnKind.Adopted or OwnKind.Shared } record)
        {
            return false;
        }

        using var folder = OpenFolderOf(file.Index);
        return FindRenamedByClient(folder, file) is { } stat && record.IsUnchanged(stat);
    }

    /// <summary>
    /// What stands under the client's name for an incomplete file, while the client has the torrent and has not said that it is whole. Only the inode
    /// tells whether it is ours.
    /// </summary>
    private FileStat? FindRenamedByClient(FileHandle? folder, StoredFile file)
    {
        var name = GetFinalName(file.Index);
        var renamed = name + ContentResolver.IncompleteSuffix;
        return folder is not null && Phase is StoredPhase.AddIntent or StoredPhase.Added
            && Encoding.UTF8.GetByteCount(renamed) <= LongestName && _context.Files.Stat(folder, name) is null
            ? _context.Files.Stat(folder, renamed)
            : null;
    }
}
