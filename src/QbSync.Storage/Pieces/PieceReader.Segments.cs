using QbSync.Pieces;
using QbSync.Ports;
using QbSync.Storage.IO.Native;

namespace QbSync.Storage.Pieces;

public sealed partial class PieceReader
{
    /// <summary>Bytes of a piece, each part from where <paramref name="sources"/> prefers it, else from the other place.</summary>
    private PieceReadStatus ReadRange(
        ContentLocation location, int piece, PieceReadScratch scratch, PieceSources sources, int offset, Span<byte> destination)
    {
        var mayUsePart = scratch.HasNeighbours && ContentResolver.CountPartFiles(location) > 0;
        for (var i = 0; i < scratch.Segments.Count && !destination.IsEmpty; i++)
        {
            var segment = scratch.Segments[i];
            var skip = offset - segment.PieceOffset;
            if (skip >= segment.Length)
            {
                continue;
            }

            var part = destination[..Math.Min(destination.Length, segment.Length - skip)];
            if (segment.IsPad)
            {
                part.Clear();
            }
            else
            {
                var preferPart = mayUsePart && sources.PrefersPart(i);
                var status = preferPart
                    ? ReadPart(location, piece, scratch, sources, offset, part)
                    : ReadFile(location, scratch, segment, skip, part);
                if (status is PieceReadStatus.Missing or PieceReadStatus.Short && mayUsePart)
                {
                    var other = preferPart
                        ? ReadFile(location, scratch, segment, skip, part)
                        : ReadPart(location, piece, scratch, sources, offset, part);
                    status = other == PieceReadStatus.Missing ? status : other;
                }

                if (status != PieceReadStatus.Read)
                {
                    return status;
                }
            }

            offset += part.Length;
            destination = destination[part.Length..];
        }

        return PieceReadStatus.Read;
    }

    private PieceReadStatus ReadFile(ContentLocation location, PieceReadScratch scratch, PieceSegment segment, int skip, Span<byte> destination)
    {
        try
        {
            return scratch.Hold(location, segment.FileIndex) is { } file
                ? ReadFully(file, segment.FileOffset + skip, destination)
                : PieceReadStatus.Missing;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return Fail(error);
        }
    }

    private PieceReadStatus ReadPart(
        ContentLocation location, int piece, PieceReadScratch scratch, PieceSources sources, int offset, Span<byte> destination)
    {
        try
        {
            for (var candidate = sources.PartFile; candidate < ContentResolver.CountPartFiles(location); candidate++)
            {
                if (scratch.Hold(location, ContentResolver.PartFileIndex(candidate)) is { } file && GetSlot(file, location, piece) is >= 0 and var slot)
                {
                    return ReadFully(file, slot + offset, destination);
                }
            }

            return PieceReadStatus.Missing;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return Fail(error);
        }
    }

    /// <summary>Where a part file has the piece, or -1. Its table is read again when the file changed.</summary>
    private static long GetSlot(OpenFile file, ContentLocation location, int piece)
    {
        var modified = PathStat.OfHandle(file.Handle)?.ModifiedNanoseconds ?? 0;
        var header = file.Header;
        if (header is null || header.Modified != modified)
        {
            file.Header = header = PartFileHeader.Read(file.Handle, modified, location.Manifest);
        }

        return header.GetOffset(location.Manifest, piece);
    }

    private static PieceReadStatus ReadFully(OpenFile file, long offset, Span<byte> destination)
    {
        while (!destination.IsEmpty)
        {
            var count = RandomAccess.Read(file.Handle, destination, offset);
            if (count == 0)
            {
                return PieceReadStatus.Short;
            }

            offset += count;
            destination = destination[count..];
        }

        return PieceReadStatus.Read;
    }

    private PieceReadStatus Fail(Exception error)
    {
        Log.ReadFailed(_logger, error.Message);
        return PieceReadStatus.Failed;
    }

    /// <summary>Whether a file that was read through a cached handle is another one by now, so that a second read may fare better.</summary>
    private bool DropStale(ContentLocation location, PieceReadScratch scratch, PieceReadStatus status)
    {
        if (status == PieceReadStatus.Failed)
        {
            return scratch.Evict();
        }

        scratch.LetGo();
        var dropped = false;
        foreach (var segment in scratch.Segments)
        {
            dropped |= !segment.IsPad && _files.EvictIfStale(location, segment.FileIndex);
        }

        for (var candidate = 0; scratch.HasNeighbours && candidate < ContentResolver.CountPartFiles(location); candidate++)
        {
            dropped |= _files.EvictIfStale(location, ContentResolver.PartFileIndex(candidate));
        }

        return dropped;
    }
}
