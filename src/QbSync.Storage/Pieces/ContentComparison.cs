using QbSync.Torrents;

namespace QbSync.Storage.Pieces;

/// <summary>Whether two torrents can want the same bytes at one path, as far as their manifests tell. Pure; a yes is no proof: content is hashed before it counts.</summary>
internal static class ContentComparison
{
    /// <summary>False when the hashes say that the files differ.</summary>
    public static bool MayBeSame(TorrentManifest first, int firstFile, TorrentManifest second, int secondFile)
    {
        var (a, b) = (first.Files[firstFile], second.Files[secondFile]);
        if (a.Length != b.Length)
        {
            return false;
        }

        if (!a.PiecesRoot.IsEmpty && !b.PiecesRoot.IsEmpty)
        {
            return a.PiecesRoot.Span.SequenceEqual(b.PiecesRoot.Span);
        }

        var length = first.PieceLength;
        if (first.V1.Length == 0 || second.V1.Length == 0 || length != second.PieceLength || a.Offset % length != b.Offset % length)
        {
            return true;
        }

        var skipped = (length - (a.Offset % length)) % length;
        for (var offset = skipped; offset < a.Length; offset += length)
        {
            var (x, y) = ((int)((a.Offset + offset) / length), (int)((b.Offset + offset) / length));
            var inside = a.Length - offset;
            if (first.GetPieceLength(x) <= inside && second.GetPieceLength(y) <= inside
                && !first.GetPieceHash(x).Sha1.Span.SequenceEqual(second.GetPieceHash(y).Sha1.Span))
            {
                return false;
            }
        }

        return true;
    }
}
