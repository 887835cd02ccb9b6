using System.Buffers.Binary;
using QbSync.Pieces;
using QbSync.Storage.IO;

namespace QbSync.Storage.Pieces;

internal sealed partial class TorrentStorage
{
    /// <summary>
    /// The client reads an unselected file where it is on disk, and not the part file. Such a file has to have the bytes that boundary pieces have of it; the first
    /// that has not, or null.
    /// </summary>
    private int? FindWrongNeighbour(FileHandle slots)
    {
        int? open = null;
        FileHandle? file = null;
        try
        {
            foreach (var (piece, segment) in ListUnselected())
            {
                if (open != segment.FileIndex)
                {
                    file?.Dispose();
                    file = null;
                    open = segment.FileIndex;
                    if (!TryOpenNeighbour(segment.FileIndex, out file))
                    {
                        return open;
                    }
                }

                if (file is not null && _boundary.GetOffset(piece) is { } slot
                    && !AreEqual(slots, slot + segment.PieceOffset, file, segment.FileOffset, segment.Length))
                {
                    return open;
                }
            }

            return null;
        }
        finally
        {
            file?.Dispose();
        }
    }

    /// <summary>Opens an unselected file; nothing when it is absent, false when something else stands there.</summary>
    private bool TryOpenNeighbour(int fileIndex, out FileHandle? file)
    {
        file = null;
        if (_request.FileNames[fileIndex].Count == 0)
        {
            return true;
        }

        using var folder = OpenFolderOf(fileIndex);
        if (folder is null || _context.Files.Stat(folder, GetFinalName(fileIndex)) is not { } stat)
        {
            return true;
        }

        file = stat.Kind == FileKind.File ? _context.Files.OpenFile(folder, GetFinalName(fileIndex), writable: false) : null;
        return file is not null;
    }

    /// <summary>Whether a part file of somebody else has our bytes of every unselected file that is not on disk.</summary>
    private bool Serves(FileHandle slots, FileHandle parts)
    {
        var header = new byte[BoundaryFile.GetHeaderLength(Layout.Manifest.PieceCount)];
        if (_context.Files.Read(parts, header, 0) < (2 + Layout.Manifest.PieceCount) * sizeof(uint)
            || BinaryPrimitives.ReadInt32BigEndian(header) != Layout.Manifest.PieceCount
            || BinaryPrimitives.ReadInt32BigEndian(header.AsSpan(sizeof(uint))) != Layout.Manifest.PieceLength)
        {
            return false;
        }

        var onDisk = new Dictionary<int, bool>();
        foreach (var (piece, segment) in ListUnselected())
        {
            if (!onDisk.TryGetValue(segment.FileIndex, out var isOnDisk))
            {
                TryOpenNeighbour(segment.FileIndex, out var file);
                onDisk[segment.FileIndex] = isOnDisk = file is not null;
                file?.Dispose();
            }

            var slot = BinaryPrimitives.ReadUInt32BigEndian(header.AsSpan((2 + piece) * sizeof(uint)));
            if (isOnDisk || _boundary.GetOffset(piece) is not { } own)
            {
                continue;
            }

            var theirs = header.Length + (slot * (long)Layout.Manifest.PieceLength) + segment.PieceOffset;
            if (slot >= Layout.Manifest.PieceCount || !AreEqual(slots, own + segment.PieceOffset, parts, theirs, segment.Length))
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>The parts of held boundary pieces that lie in unselected files, in order.</summary>
    private IEnumerable<(int Piece, PieceSegment Segment)> ListUnselected()
    {
        var segments = new List<PieceSegment>();
        for (var piece = 0; piece < Layout.Manifest.PieceCount; piece++)
        {
            if (!Layout.IsBoundary(piece) || !GetPieceState(piece).IsHeld)
            {
                continue;
            }

            Layout.GetSegments(piece, segments);
            foreach (var segment in segments)
            {
                if (!segment.IsPad && !_files.ContainsKey(segment.FileIndex))
                {
                    yield return (piece, segment);
                }
            }
        }
    }

    private bool AreEqual(FileHandle first, long firstOffset, FileHandle second, long secondOffset, int length)
    {
        var buffer = new byte[2 * Math.Min(length, ContentReader.SliceLength)];
        for (var done = 0; done < length; done += buffer.Length / 2)
        {
            var a = buffer.AsSpan(0, Math.Min(buffer.Length / 2, length - done));
            var b = buffer.AsSpan(buffer.Length / 2, a.Length);
            if (_context.Files.Read(first, a, firstOffset + done) < a.Length || _context.Files.Read(second, b, secondOffset + done) < b.Length || !a.SequenceEqual(b))
            {
                return false;
            }
        }

        return true;
    }
}
