using QbSync.Pieces;
using QbSync.Ports;
using QbSync.Storage.Pieces;
using QbSync.Torrents;

namespace QbSync.Storage.Inspection;

/// <summary>Hashes single pieces of content that lies anywhere, for who wants to know whether it is what it is said to be. Opens files for reading only.</summary>
public static class PieceLook
{
    private const int SliceLength = 256 * 1024;

    /// <summary>Reads and hashes a piece.</summary>
    /// <param name="manifest">The manifest.</param>
    /// <param name="piece">The piece.</param>
    /// <param name="findFile">The path of a file by its place in the manifest's list; null where it is not known.</param>
    /// <param name="cancellationToken">Ends the reading.</param>
    /// <exception cref="IOException">A file that is there cannot be read.</exception>
    public static PieceReadStatus Check(TorrentManifest manifest, int piece, Func<int, string?> findFile, CancellationToken cancellationToken)
    {
        var segments = new List<PieceSegment>();
        new PieceLayout(manifest, Selection.All(manifest)).GetSegments(piece, segments);
        using var hasher = new PieceHasher();
        hasher.Begin(manifest.GetPieceHash(piece));
        var buffer = new byte[SliceLength];
        foreach (var segment in segments)
        {
            if (segment.IsPad)
            {
                hasher.AppendZeros(segment.Length);
                continue;
            }

            if (findFile(segment.FileIndex) is not { } path || !File.Exists(path))
            {
                return PieceReadStatus.Missing;
            }

            using var file = File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            for (var done = 0; done < segment.Length;)
            {
                cancellationToken.ThrowIfCancellationRequested();
                var count = RandomAccess.Read(file, buffer.AsSpan(0, Math.Min(buffer.Length, segment.Length - done)), segment.FileOffset + done);
                if (count == 0)
                {
                    return PieceReadStatus.Short;
                }

                hasher.Append(buffer.AsSpan(0, count));
                done += count;
            }
        }

        return hasher.Matches() ? PieceReadStatus.Read : PieceReadStatus.HashMismatch;
    }
}
