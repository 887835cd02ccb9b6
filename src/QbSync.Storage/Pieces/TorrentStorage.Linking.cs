using QbSync.Storage.State;
using QbSync.Torrents;

namespace QbSync.Storage.Pieces;

internal sealed partial class TorrentStorage
{
    /// <summary>Offers published files to those that wait for them, and to those that come later. Needs no look at the disk; repeating it is harmless.</summary>
    public void OfferLinks()
    {
        foreach (var file in _files.Values)
        {
            OfferLink(file);
        }
    }

    /// <summary>A file has its final name, durably. Only what we wrote or linked is given on: what others made here may change under us.</summary>
    private void OfferLink(StoredFile file)
    {
        if (file.Record is { Kind: OwnKind.Published, Length: > 0 } record)
        {
            _context.Links.Published(Layout.Manifest.Id, file.Index, GetIdentity(file.Index), _request.Source, GetPathParts(file.Index), record);
        }
        else if (file.Kind is OwnKind.Adopted or OwnKind.Shared)
        {
            _context.Links.Release(Layout.Manifest.Id, file.Index);
        }
    }

    /// <summary>What the source's file system says of a file; null where that is not known, or cannot be of this file.</summary>
    private FileIdentity? GetIdentity(int fileIndex) =>
        fileIndex < _request.Identities.Count && _request.Identities[fileIndex] is { } identity && identity.Size == Layout.Manifest.Files[fileIndex].Length
            ? identity
            : null;

    /// <summary>Final path of a file, in parts below the root.</summary>
    private string[] GetPathParts(int fileIndex) => [.. _request.Place.SubPath, .. _request.FileNames[fileIndex]];
}
