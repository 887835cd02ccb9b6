using QbSync.Storage.State;

namespace QbSync.Storage.Pieces;

internal sealed partial class TorrentStorage
{
    /// <inheritdoc />
    public IReadOnlyList<(string Path, long Bytes)> ListUnfinished() =>
    [
        .. _files.Values
            .Where(static file => file.Kind is OwnKind.Partial or OwnKind.Linked)
            .Select(file => (_context.Root.Describe([.. GetFolderParts(file.Index), file.PartialName]), file.Length)),
    ];
}
