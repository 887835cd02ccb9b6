using QbSync.Pieces;

namespace QbSync.Storage.Pieces;

/// <summary>
/// Reads pieces back from disk and hashes them. On a file system of another machine a piece that is not right is read once more, a second later, through a fresh
/// opening: the first answer may have been an old one. Not thread-safe; who began the run disposes it.
/// </summary>
internal sealed class PieceReadBack(StorageContext context, PieceLayout layout, Func<ContentReader> newReader, Predicate<int> isInFile, bool isNetwork) : IDisposable
{
    private static readonly TimeSpan SecondLook = TimeSpan.FromSeconds(1);
    private readonly PieceScratch _scratch = context.Scratch.Rent();
    private ContentReader _reader = newReader();
    private long _bytesBefore;

    /// <summary>Bytes read so far.</summary>
    public long BytesRead => _bytesBefore + _reader.BytesRead;

    /// <summary>Parts of the piece that was checked last.</summary>
    public IReadOnlyList<PieceSegment> Segments => _scratch.Segments;

    /// <summary>Reads a piece.</summary>
    public async ValueTask<PieceVerdict> CheckAsync(int piece, CancellationToken cancellationToken)
    {
        var verdict = Check(piece);
        if (verdict == PieceVerdict.Good || !isNetwork)
        {
            return verdict;
        }

        await Task.Delay(SecondLook, context.Time, cancellationToken).ConfigureAwait(false);
        _bytesBefore += _reader.BytesRead;
        _reader.Dispose();
        _reader = newReader();
        return Check(piece);
    }

    /// <inheritdoc />
    public void Dispose()
    {
        _reader.Dispose();
        context.Scratch.Return(_scratch);
    }

    private PieceVerdict Check(int piece)
    {
        layout.GetSegments(piece, _scratch.Segments);
        return _reader.Check(layout.Manifest.GetPieceHash(piece), piece, _scratch, isInFile);
    }
}
