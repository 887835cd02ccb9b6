namespace QbSync.Storage.Pieces;

/// <summary>
/// Reads pieces of one file back with several readers at a time, each a run of neighbours, so that a big file is hashed on more than one core and the device
/// still reads forwards. Not thread-safe; who began the run disposes it.
/// </summary>
internal sealed class ReadBackCrew(Func<PieceReadBack> newReader, int readers) : IDisposable
{
    /// <summary>What one reader takes at a time.</summary>
    private const int RunBytes = 4 << 20;

    private readonly List<PieceReadBack> _readers = [newReader()];

    /// <summary>Bytes read so far.</summary>
    public long BytesRead
    {
        get
        {
            var read = 0L;
            foreach (var reader in _readers)
            {
                read += reader.BytesRead;
            }

            return read;
        }
    }

    /// <summary>Pieces that are worth to be checked in one go.</summary>
    public int GetShare(int pieceLength) => readers == 1 ? 1 : Math.Max(1, RunBytes / pieceLength) * readers;

    /// <summary>Reads all of <paramref name="pieces"/>, which are in order, and notes their verdicts; those that it came to also when it fails.</summary>
    public async ValueTask CheckAsync(List<int> pieces, VerifiedPieces into, CancellationToken cancellationToken)
    {
        var verdicts = new PieceVerdict?[pieces.Count];
        var run = (pieces.Count + readers - 1) / readers;
        List<Task> others = [];
        for (var begin = run; begin < pieces.Count; begin += run)
        {
            var (first, number) = (begin, begin / run);
            if (number == _readers.Count)
            {
                _readers.Add(newReader());
            }

            others.Add(Task.Run(() => CheckRunAsync(_readers[number], pieces, verdicts, first, run, cancellationToken), cancellationToken));
        }

        others.Add(CheckRunAsync(_readers[0], pieces, verdicts, 0, run, cancellationToken));
        try
        {
            // All of them, whatever happened to one: nobody may still read when the readers are disposed.
            await Task.WhenAll(others).ConfigureAwait(false);
        }
        finally
        {
            for (var i = 0; i < verdicts.Length; i++)
            {
                if (verdicts[i] is { } verdict)
                {
                    into.Add(pieces[i], verdict);
                }
            }
        }
    }

    /// <inheritdoc />
    public void Dispose() => _readers.ForEach(static reader => reader.Dispose());

    private static async Task CheckRunAsync(
        PieceReadBack reader, List<int> pieces, PieceVerdict?[] verdicts, int first, int count, CancellationToken cancellationToken)
    {
        for (var i = first; i < Math.Min(first + count, pieces.Count); i++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            verdicts[i] = await reader.CheckAsync(pieces[i], cancellationToken).ConfigureAwait(false);
        }
    }
}
