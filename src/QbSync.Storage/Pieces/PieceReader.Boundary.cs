using QbSync.Pieces;
using QbSync.Ports;

namespace QbSync.Storage.Pieces;

public sealed partial class PieceReader
{
    /// <summary>
    /// Reads by the default sources, and where that does not hash, by every other combination of file and part file: both may hold an unselected
    /// file's bytes, and only the hash tells which of them are the torrent's.
    /// </summary>
    private PieceReadStatus Try(
        ContentLocation location, int piece, int length, PieceReadScratch scratch, Span<byte> destination, CancellationToken cancellationToken)
    {
        var status = TrySources(location, piece, length, scratch, default, destination, cancellationToken);
        if (status != PieceReadStatus.HashMismatch || !scratch.HasNeighbours)
        {
            return status;
        }

        Span<int> doubtful = stackalloc int[PieceSources.MaxDoubtful];
        for (var candidate = 0; candidate < ContentResolver.CountPartFiles(location); candidate++)
        {
            if (!HasSlot(location, scratch, candidate, piece))
            {
                continue;
            }

            var count = FindDoubtful(location, scratch, doubtful);
            for (var number = 0; number < PieceSources.CountCombinations(count); number++)
            {
                var sources = PieceSources.Combine(candidate, number, doubtful[..count]);
                if (sources != default && TrySources(location, piece, length, scratch, sources, destination, cancellationToken) == PieceReadStatus.Read)
                {
                    Remember(new PieceRef(location.Manifest.Id, piece), sources);
                    return PieceReadStatus.Read;
                }
            }
        }

        return status;
    }

    private bool HasSlot(ContentLocation location, PieceReadScratch scratch, int candidate, int piece)
    {
        try
        {
            return scratch.Hold(location, ContentResolver.PartFileIndex(candidate)) is { } file && GetSlot(file, location, piece) >= 0;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return Fail(error) == PieceReadStatus.Read;
        }
    }

    /// <summary>Segments that a file long enough holds: the others come from the part file anyway.</summary>
    private int FindDoubtful(ContentLocation location, PieceReadScratch scratch, Span<int> doubtful)
    {
        var count = 0;
        for (var i = 0; i < scratch.Segments.Count && count < doubtful.Length; i++)
        {
            var segment = scratch.Segments[i];
            if (!segment.IsPad && _resolver.Find(location, segment.FileIndex)?.Identity.Size >= segment.FileOffset + segment.Length)
            {
                doubtful[count++] = i;
            }
        }

        return count;
    }

    /// <summary>Keeps the combination for the second pass of a large piece. What is forgotten costs that pass, no wrong byte: the receiver hashes.</summary>
    private void Remember(PieceRef piece, PieceSources sources)
    {
        lock (_gate)
        {
            if (_remembered.Count >= MaxRemembered)
            {
                _remembered.Clear();
            }

            _remembered[piece] = sources;
        }
    }
}
